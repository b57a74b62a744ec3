// ECS over a scheduler in memory whose agent is the test: what is asked of it, and what it told its
// agent to do.
#pragma once

#include "api/ecs_service.h"
#include "scheduler/catalog.h"
#include "scheduler/core.h"
#include "scheduler/record_store.h"
#include "scheduler/store.h"

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace berth::api {

class EcsHost {
 protected:
  explicit EcsHost(EcsSettings settings) : settings_(std::move(settings)) { open(); }

  // Another process over the same records and tasks.
  void open() {
    catalog_ = std::move(scheduler::Catalog::open(records_, rng_, clock_.wall()).value());
    core_ = std::make_unique<scheduler::Core>(store_, rng_);
    service_ = std::make_unique<EcsService>(*core_, *catalog_, Env{clock_, rng_}, settings_,
                                            [this] { return step(); });
    scheduler::ServiceSettings services;
    services.host = settings_.architecture;
    services.cpu_units = settings_.cpu_units;
    services.memory_mib = settings_.memory_mib;
    services.node_id = catalog_->node_id();
    services.unsuited = [this](const scheduler::Service& service,
                               const scheduler::RevisionSpec& revision) {
      return service_->unsuited(service, revision);
    };
    services.drains = [this](const std::string& cluster) { return service_->drains(cluster); };
    (void)core_->open_services(std::move(services));  // in memory: cannot fail
  }

  Status step() {
    for (scheduler::Command& command : TRY(core_->step(clock_.wall()))) {
      commands_.push_back(std::move(command));
    }
    return {};
  }

  // As the root of the account.
  Answer ask(const std::string& operation, const std::string& body) {
    Call call{.operation = operation, .body = body, .at = clock_.wall()};
    call.caller = {.account = settings_.account,
                   .region = settings_.region,
                   .arn = "arn:aws:iam::" + settings_.account + ":root",
                   .key_id = "AK"};
    return service_->answer(call);
  }

  // ---- The agent ----

  void agent_tells(scheduler::Event event) {
    core_->submit(std::move(event));
    (void)step();  // in memory: cannot fail
  }

  // Does what it was told until nothing is left of it: tasks start, or end.
  void act() {
    while (!commands_.empty()) {
      scheduler::Command command = std::move(commands_.front());
      commands_.erase(commands_.begin());
      std::visit([this](const auto& order) { obey(order); }, command);
    }
  }

  // The first container of a task ends by itself.
  void end_container(const std::string& id, int code) {
    const scheduler::Task* task = core_->find_task(id);
    agent_tells(scheduler::ContainerExited{.task_id = id,
                                           .container = task->containers[0].name,
                                           .exit_code = code,
                                           .at = clock_.wall()});
  }

  EcsSettings settings_;
  ManualClock clock_;
  SeededRng rng_{1};
  scheduler::MemoryStore store_;
  scheduler::MemoryRecords records_;
  std::unique_ptr<scheduler::Catalog> catalog_;
  std::unique_ptr<scheduler::Core> core_;
  std::unique_ptr<EcsService> service_;
  std::vector<scheduler::Command> commands_;
  std::map<std::string, bool> held_;  // of the tasks that it was said of

 private:
  void obey(const scheduler::StartTask& order) {
    const scheduler::Task& task = order.task;
    scheduler::TaskProvisioned provisioned{.task_id = task.id};
    if (!task.attachment_id.empty()) {
      provisioned.network_interfaces = {
          {.private_ipv4_address = "172.29.0.2", .mac_address = "02:00:00:00:00:01"}};
    }
    scheduler::ImagesPulled pulled{
        .task_id = task.id, .started_at = clock_.wall(), .stopped_at = clock_.wall()};
    for (const scheduler::Container& container : task.containers) {
      pulled.digests[container.name] = "sha256:" + std::string(64, 'a');
      if (task.attachment_id.empty()) {
        provisioned.network_bindings[container.name] = {
            {.bind_ip = "0.0.0.0", .container_port = 80, .host_port = 32768},
            {.bind_ip = "0.0.0.0", .container_port = 8000, .host_port = 33000, .count = 3}};
      }
    }
    agent_tells(provisioned);
    agent_tells(pulled);
    for (const scheduler::Container& container : task.containers) {
      agent_tells(scheduler::ContainerStarted{
          .task_id = task.id, .container = container.name, .at = clock_.wall()});
    }
  }
  void obey(const scheduler::StopTask& order) { end_all(order.task_id, 143); }
  void obey(const scheduler::KillTask& order) { end_all(order.task_id, 137); }
  void end_all(const std::string& id, int code) {
    for (const scheduler::Container& container : core_->find_task(id)->containers) {
      agent_tells(scheduler::ContainerExited{
          .task_id = id, .container = container.name, .exit_code = code, .at = clock_.wall()});
    }
    agent_tells(scheduler::TaskStopped{.task_id = id, .at = clock_.wall()});
  }
  void obey(const scheduler::HoldTask& order) { held_[order.task_id] = order.is_held; }
  void obey(const scheduler::ReleaseTask& order) {
    agent_tells(scheduler::TaskReleased{.task_id = order.task_id});
  }
};

}  // namespace berth::api
