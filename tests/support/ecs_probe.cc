// ecs_probe: ECS over a scheduler in memory, for tests that speak to it as SDKs do.
//
// One JSON object per line on standard input, one on standard output:
//   {operation, body: "text"}   -> {status, code, body: "text", resourceIds}
//   {agent: true}               -> {}   the agent does what it was told: tasks start, or end
//   {exit: task id, code: N}    -> {}   the first container of a task ends
#include "support/ecs_host.h"

#include <nlohmann/json.hpp>

#include <iostream>
#include <memory>
#include <string>

namespace berth::api {
namespace {

using nlohmann::json;

class Probe : EcsHost {
 public:
  Probe()
      : EcsHost({.region = "eu-central-1",
                 .account = "123456789012",
                 .cpu_units = 4096,
                 .memory_mib = 8192}) {}

  json answer(const json& in) {
    if (in.contains("agent")) return act();
    if (in.contains("exit")) return end(in.at("exit"), in.at("code"));
    clock_.advance(std::chrono::milliseconds(1));
    Answer answer = ask(in.at("operation"), in.at("body"));
    if (answer) return {{"status", 200}, {"body", *answer}};
    const Refusal& refusal = answer.error();
    json body = {{"__type", refusal.code}, {"message", refusal.message}};
    if (!refusal.resource_ids.empty()) body["resourceIds"] = refusal.resource_ids;
    return {{"status", refusal.status}, {"body", body.dump()}};
  }

 private:
  json tell(scheduler::Event event) {
    core_->submit(std::move(event));
    (void)step();  // in memory: cannot fail
    return json::object();
  }

  json end(const std::string& id, int code) {
    const scheduler::Task* task = core_->find_task(id);
    return tell(scheduler::ContainerExited{.task_id = id,
                                           .container = task->containers[0].name,
                                           .exit_code = code,
                                           .at = clock_.wall()});
  }

  json act() {
    while (!commands_.empty()) {
      scheduler::Command command = std::move(commands_.front());
      commands_.erase(commands_.begin());
      std::visit([this](const auto& order) { obey(order); }, command);
    }
    return json::object();
  }

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
    tell(provisioned);
    tell(pulled);
    for (const scheduler::Container& container : task.containers) {
      tell(scheduler::ContainerStarted{
          .task_id = task.id, .container = container.name, .at = clock_.wall()});
    }
  }
  void obey(const scheduler::StopTask& order) {
    for (const scheduler::Container& container : core_->find_task(order.task_id)->containers) {
      tell(scheduler::ContainerExited{.task_id = order.task_id,
                                      .container = container.name,
                                      .exit_code = 143,
                                      .at = clock_.wall()});
    }
    tell(scheduler::TaskStopped{.task_id = order.task_id, .at = clock_.wall()});
  }
  void obey(const scheduler::KillTask&) {}
  void obey(const scheduler::ReleaseTask& order) {
    tell(scheduler::TaskReleased{.task_id = order.task_id});
  }
};

}  // namespace
}  // namespace berth::api

int main() {
  berth::api::Probe probe;
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << probe.answer(nlohmann::json::parse(line)).dump() << std::endl;
  }
}
