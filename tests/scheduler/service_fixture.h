// A core with services on a store in memory, and an agent of which the test is the will: tasks run,
// fail and end when it says so.
#pragma once

#include "base/check.h"
#include "scheduler/core.h"
#include "scheduler/definition_source.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace berth::scheduler {

constexpr WallTime kServiceStart = WallTime(std::chrono::seconds(1700000000));

inline RevisionSpec spec_of(const std::string& definition_json) {
  RevisionSpec spec;
  spec.request.definition_json = definition_json;
  spec.request.revision = 1;
  spec.request.launch_type = "EC2";
  auto definition =
      make_definition({spec.request.definition_json, "", "EC2", ""}, CpuArchitecture::kX86_64);
  if (!definition) ADD_FAILURE() << definition.error().text;
  spec.definition = std::move(*definition);
  return spec;
}

// One container without a health check.
inline RevisionSpec plain_spec(const std::string& image) {
  return spec_of(R"({"family": "web", "containerDefinitions": [
      {"name": "a", "cpu": 10, "memory": 10, "image": ")" +
                 image + R"("}]})");
}
inline RevisionSpec checked_spec(const std::string& image) {
  return spec_of(R"({"family": "web", "containerDefinitions": [
      {"name": "a", "cpu": 10, "memory": 10, "image": ")" +
                 image + R"(", "healthCheck": {"command": ["CMD", "true"]}}]})");
}

class ServiceWorld {
 public:
  explicit ServiceWorld(ServiceSettings settings = {}) : settings_(std::move(settings)) { open(); }

  // As after a death of the process.
  void open() {
    core_ = std::make_unique<Core>(store_, rng_);
    Status opened = core_->open_services(settings_);
    CHECK(opened.has_value());
  }

  Core& core() { return *core_; }
  MemoryStore& store() { return store_; }
  WallTime now() const { return now_; }
  const ServiceKey& key() const { return key_; }

  void create(ServiceConfiguration configuration, RevisionSpec spec) {
    core_->submit(ServiceCreated{
        .service = key_, .configuration = std::move(configuration), .revision = std::move(spec)});
    step();
  }
  void update(ServiceConfiguration configuration, std::optional<RevisionSpec> spec) {
    core_->submit(ServiceUpdated{
        .service = key_, .configuration = std::move(configuration), .revision = std::move(spec)});
    step();
  }
  // With another revision, all else the same.
  void deploy(RevisionSpec spec) { update(service().configuration, std::move(spec)); }
  void scale(int count) {
    ServiceConfiguration configuration = service().configuration;
    configuration.desired_count = count;
    update(configuration, {});
  }

  void step() {
    auto commands = core_->step(now_);
    CHECK(commands.has_value());
    for (Command& command : *commands) commands_.push_back(std::move(command));
  }
  // Stops at each deadline on the way, as the daemon's timer does.
  void pass(Duration time) {
    WallTime end = now_ + time;
    while (auto deadline = core_->next_deadline()) {
      if (*deadline > end) break;
      now_ = std::max(now_, *deadline);
      step();
    }
    now_ = end;
  }

  // ---- The agent ----

  void tell(Event event) {
    core_->submit(std::move(event));
    step();
  }
  void run(const std::string& task) {
    tell(ContainerStarted{.task_id = task, .container = "a", .at = now_});
  }
  void fail_to_start(const std::string& task) {
    tell(StartFailed{.task_id = task, .error_name = "CannotPullContainerError", .text = "none"});
    tell(TaskReleased{.task_id = task});
  }
  // The container ends by itself.
  void exit(const std::string& task) {
    tell(ContainerExited{.task_id = task, .container = "a", .exit_code = 1, .at = now_});
    release(task);
  }
  void release(const std::string& task) {
    core_->submit(TaskStopped{.task_id = task, .at = now_});
    tell(TaskReleased{.task_id = task});
  }
  void health(const std::string& task, HealthStatus status) {
    tell(ContainerHealthChanged{
        .task_id = task, .container = "a", .health = {.status = status, .since = now_}});
  }
  void run_pending() {
    for (const std::string& id : with_phase(TaskPhase::kPending)) run(id);
  }
  void release_stopping() {
    for (const std::string& id : with_phase(TaskPhase::kStopping)) release(id);
  }
  // Everything goes well until nothing more happens.
  void settle() {
    for (int i = 0; i < 100 && !service().is_steady; ++i) {
      run_pending();
      release_stopping();
      pass(std::chrono::seconds(41));
    }
    release_stopping();
  }

  // ---- What there is ----

  const Service& service() const {
    const Service* service = core_->services().find(key_);
    CHECK(service != nullptr);
    return *service;
  }
  const Deployment& primary() const { return service().deployments.front(); }
  const ServiceDeployment& progress() const {
    return *core_->services().find_deployment(service().current_service_deployment);
  }
  std::vector<std::string> with_phase(TaskPhase phase) const {
    std::vector<std::string> ids;
    for (const auto& [id, task] : core_->services().tasks_of(key_)) {
      if (task.phase == phase) ids.push_back(id);
    }
    return ids;
  }
  // Pending or running, of the PRIMARY or of those before it.
  int fresh() const { return count(primary().revision, true); }
  int old() const { return count(primary().revision, false); }
  std::vector<std::string> live(const std::string& revision) const {
    std::vector<std::string> ids;
    for (const auto& [id, task] : core_->services().tasks_of(key_)) {
      if (task.phase != TaskPhase::kStopping && task.revision == revision) ids.push_back(id);
    }
    return ids;
  }
  // ECS's words, oldest first.
  std::vector<std::string> messages() const {
    std::vector<std::string> texts;
    for (const ServiceEvent& event : core_->services().events_of(key_)) {
      if (!event.message.empty()) texts.insert(texts.begin(), event.message);
    }
    return texts;
  }
  bool has_message(const std::string& text) const {
    auto all = messages();
    return std::any_of(all.begin(), all.end(), [&](const std::string& each) {
      return each.find(text) != std::string::npos;
    });
  }

 private:
  int count(const std::string& revision, bool is_same) const {
    int count = 0;
    for (const auto& [id, task] : core_->services().tasks_of(key_)) {
      if (task.phase != TaskPhase::kStopping && (task.revision == revision) == is_same) ++count;
    }
    return count;
  }

  ServiceSettings settings_;
  ServiceKey key_{"default", "web"};
  MemoryStore store_;
  SeededRng rng_{1};
  WallTime now_ = kServiceStart;
  std::vector<Command> commands_;
  std::unique_ptr<Core> core_;
};

}  // namespace berth::scheduler
