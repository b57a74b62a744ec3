#include "sim/scenario.h"

#include "base/check.h"
#include "scheduler/core.h"
#include "scheduler/definition_source.h"
#include "sim/rules.h"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <random>

namespace berth::sim {
namespace {

using scheduler::Core;
using scheduler::RevisionSpec;
using scheduler::Service;
using scheduler::ServiceConfiguration;
using scheduler::ServiceKey;
using scheduler::Task;
using scheduler::TaskPhase;
using std::chrono::seconds;

constexpr const char* kImages[] = {"good", "good", "fails", "crashes", "quick", "sick", "flaky"};
constexpr WallTime kScenarioStart = WallTime(seconds(1700000000));
constexpr int kRestTicks = 400;  // of half a minute: longer than the longest back-off

// A store that can be told to refuse.
class RefusingStore final : public scheduler::Store {
 public:
  void refuse_next() { refuses_ = true; }
  void accept() { refuses_ = false; }

  Status commit(const std::vector<scheduler::Change>& changes,
                const std::vector<scheduler::Record>& records) override {
    if (std::exchange(refuses_, false)) return fail(Errc::kExhausted, "database: disk is full");
    return store_.commit(changes, records);
  }
  const Task* find_task(const std::string& id) const override { return store_.find_task(id); }
  std::vector<std::string> task_ids() const override { return store_.task_ids(); }
  std::vector<const scheduler::Task*> living_tasks() const override {
    return store_.living_tasks();
  }
  Result<std::vector<scheduler::StoryLine>> story(const std::string& id,
                                                  size_t skip) const override {
    return store_.story(id, skip);
  }
  Status forget_stopped(WallTime then) override { return store_.forget_stopped(then); }
  Status write(const std::vector<scheduler::Record>& records) override {
    return store_.write(records);
  }
  Result<std::vector<scheduler::Record>> read(const std::string& kind) const override {
    return store_.read(kind);
  }

 private:
  scheduler::MemoryStore store_;
  bool refuses_ = false;
};

RevisionSpec make_spec(const std::string& image, bool is_checked) {
  RevisionSpec spec;
  std::string health = is_checked ? R"(, "healthCheck": {"command": ["CMD", "true"]})" : "";
  spec.request.definition_json =
      R"({"family": "f", "containerDefinitions": [{"name": "a", "cpu": 10, "memory": 10, "image": ")" +
      image + "\"" + health + "}]}";
  spec.request.revision = 1;
  spec.request.launch_type = "EC2";
  auto definition = scheduler::make_definition({spec.request.definition_json, "", "EC2", ""},
                                               scheduler::CpuArchitecture::kX86_64);
  CHECK(definition.has_value());
  spec.definition = std::move(*definition);
  return spec;
}

// Parsed once.
const RevisionSpec& spec_of(const std::string& image, bool is_checked) {
  static std::map<std::pair<std::string, bool>, RevisionSpec> specs;
  auto found = specs.find({image, is_checked});
  if (found != specs.end()) return found->second;
  return specs.emplace(std::pair(image, is_checked), make_spec(image, is_checked)).first->second;
}

class Scenario {
 public:
  Scenario(uint64_t seed, Coverage& coverage, bool trace)
      : random_(seed),
        rng_(seed + 1),
        coverage_(coverage),
        trace_(trace),
        rules_(coverage, settings_) {
    settings_.node_id = "node";
    if (chance(40)) settings_.cpu_units = static_cast<uint64_t>(between(30, 150));
    settings_.memory_mib = 0;
    if (seed % 3 == 0) settings_.look_budget = 1;  // one service in a step, the others after it
    settings_.drains = [this](const std::string&) { return is_draining_; };
    settings_.unsuited = [this](const Service&, const RevisionSpec&) {
      return std::string(is_draining_ ? "No Container Instances were found in your cluster." : "");
    };
    open();
  }

  std::vector<std::string> run() {
    int ticks = between(10, 120);
    for (int i = 0; i < ticks && broken_.empty(); ++i) {
      disturb();
      live();
      pass(tick());
      if (chance(3)) die();
    }
    if (broken_.empty()) calm();
    return broken_;
  }

 private:
  // ---- Chance ----

  bool chance(int percent) { return static_cast<int>(random_() % 100) < percent; }
  int between(int low, int high) {
    return low + static_cast<int>(random_() % static_cast<uint64_t>(high - low + 1));
  }
  Duration tick() {
    constexpr Duration kTicks[] = {std::chrono::milliseconds(1),
                                   std::chrono::milliseconds(300),
                                   seconds(1),
                                   seconds(5),
                                   seconds(15),
                                   seconds(41),
                                   seconds(300)};
    return kTicks[random_() % std::size(kTicks)];
  }

  void trace(const std::string& what) {
    if (!trace_) return;
    double at = std::chrono::duration<double>(now_.time_since_epoch()).count() - 1.7e9;
    std::printf("%12.3f %s\n", at, what.c_str());
  }

  // ---- The scheduler ----

  void open() {
    core_ = std::make_unique<Core>(store_, rng_);
    auto opened = core_->open_services(settings_);
    CHECK(opened.has_value());
  }

  void step() {
    if (!broken_.empty()) return;
    Picture before = picture_of(*core_);
    if (is_storm_ && chance(2)) {
      store_.refuse_next();
      auto refused = core_->step(now_);
      store_.accept();
      if (!refused) {
        coverage_.saw("a refused step");
        if (picture_of(*core_) != before)
          broken_.push_back("a step that was refused changed something");
        if (chance(30)) {  // it dies before it tries again: what was told is told anew
          coverage_.saw("a death before a step was stored");
          trace("dies before a step is stored");
          facts_.clear();
          open();
          if (picture_of(*core_) != before)
            broken_.push_back("what was stored is not what was there");
          return;
        }
      }
    }
    auto commands = core_->step(now_);
    CHECK(commands.has_value());
    judge(before);
    facts_.clear();
  }

  void judge(const Picture& before) {
    Picture after = picture_of(*core_);
    if (trace_) trace_events(before);
    auto broken = rules_.judge(
        {.before = before, .after = after, .facts = facts_, .core = *core_, .now = now_});
    broken_.insert(broken_.end(), broken.begin(), broken.end());
  }

  void trace_events(const Picture& before) {
    for (const auto& [key, service] : core_->services().all()) {
      auto was = before.find(key);
      int64_t known = was == before.end() ? 0 : was->second.service.events_so_far;
      auto events = core_->services().events_of(key);
      for (auto event = events.rbegin(); event != events.rend(); ++event) {
        if (event->number <= known) continue;
        trace("    " + key.name + " " + event->name + " " + event->message + " <- " + event->cause);
      }
    }
  }

  // The next process finds what this one knew, and has nothing to do that this one had not done.
  void die() {
    if (!broken_.empty()) return;
    coverage_.saw("a death after a step");
    trace("dies");
    Picture before = picture_of(*core_);
    std::map<ServiceKey, std::vector<scheduler::ServiceEvent>> events;
    for (const auto& [key, seen] : before) events[key] = core_->services().events_of(key);
    open();
    if (picture_of(*core_) != before) broken_.push_back("what was stored is not what was there");
    for (const auto& [key, told] : events) {
      if (core_->services().events_of(key) != told) broken_.push_back("events were lost");
    }
    look_again();
    if (picture_of(*core_) != before) broken_.push_back("looking again changed something");
  }

  // At all services, in as many steps as that takes.
  void look_again() {
    step();
    for (auto due = core_->next_deadline(); due && *due <= now_; due = core_->next_deadline()) {
      if (!broken_.empty()) return;
      coverage_.saw("services put off to the next step");
      step();
    }
  }

  void pass(Duration time) {
    WallTime end = now_ + time;
    for (int i = 0; i < 1000; ++i) {
      auto deadline = core_->next_deadline();
      if (!deadline || *deadline > end) break;
      now_ = std::max(now_, *deadline);
      step();
    }
    now_ = end;
  }

  // ---- Users ----

  ServiceKey random_key() { return {"c", "s" + std::to_string(between(1, 2))}; }

  ServiceConfiguration random_configuration() {
    ServiceConfiguration configuration;
    bool is_daemon = chance(15);
    if (is_daemon) configuration.scheduling = scheduler::SchedulingStrategy::kDaemon;
    configuration.desired_count = is_daemon ? 0 : between(0, 6);
    randomize_rules(configuration, is_daemon);
    configuration.deployment.circuit_breaker.enable = chance(60);
    configuration.deployment.circuit_breaker.rollback = chance(70);
    configuration.deployment.circuit_breaker.reset_on_healthy_task = chance(85);
    if (chance(20)) {
      configuration.deployment.circuit_breaker.threshold_type = scheduler::ThresholdType::kCount;
      configuration.deployment.circuit_breaker.threshold_value = between(1, 5);
    }
    if (chance(25)) {
      configuration.deployment.alarms = {
          .names = {"alarm"}, .enable = true, .rollback = chance(70)};
      configuration.deployment.bake_minutes = between(0, 5);
    }
    if (!is_daemon && chance(30)) randomize_shift(configuration.deployment);
    configuration.health_check_grace_seconds = chance(30) ? between(1, 120) : 0;
    return configuration;
  }

  void randomize_shift(scheduler::DeploymentConfiguration& rules) {
    using scheduler::DeploymentStrategy;
    using scheduler::LifecycleStage;
    constexpr DeploymentStrategy kStrategies[] = {
        DeploymentStrategy::kBlueGreen, DeploymentStrategy::kLinear, DeploymentStrategy::kCanary};
    rules.strategy = kStrategies[random_() % std::size(kStrategies)];
    rules.bake_minutes = between(0, 3);
    rules.linear = {.step_permille = between(100, 600), .step_bake_minutes = between(0, 2)};
    rules.canary = {.canary_permille = between(1, 500), .canary_bake_minutes = between(0, 2)};
    if (chance(50)) return;
    scheduler::LifecycleHook hook;
    hook.stages = {static_cast<LifecycleStage>(between(0, 8)),
                   static_cast<LifecycleStage>(between(0, 8))};
    hook.timeout_minutes = between(1, 5);
    hook.timeout_action = chance(50) ? scheduler::HookTimeoutAction::kContinue
                                     : scheduler::HookTimeoutAction::kRollback;
    rules.hooks = {hook};
  }

  void randomize_rules(ServiceConfiguration& configuration, bool is_daemon) {
    constexpr int kMinimums[] = {0, 33, 50, 75, 100};
    constexpr int kMaximums[] = {100, 125, 150, 200, 300};
    configuration.deployment.minimum_healthy_percent =
        is_daemon ? 0 : kMinimums[random_() % std::size(kMinimums)];
    configuration.deployment.maximum_percent =
        is_daemon ? 100 : kMaximums[random_() % std::size(kMaximums)];
  }

  const RevisionSpec& random_spec() {
    const char* image =
        kImages[random_() % std::size(kImages)];  // in this order with each compiler
    bool is_checked = chance(50);
    return spec_of(image, is_checked);
  }

  void ask(scheduler::ServiceRequest request) {
    trace(std::string("user: ") + name_of(request));
    core_->submit(std::move(request));
    step();
  }

  const Service* active(const ServiceKey& key) {
    const Service* service = core_->services().find(key);
    if (service == nullptr || service->status != scheduler::ServiceStatus::kActive) return nullptr;
    return service;
  }

  void disturb() {
    ServiceKey key = random_key();
    const Service* service = active(key);
    if (service == nullptr) {
      if (chance(50)) create(key);
      return;
    }
    ServiceConfiguration configuration = service->configuration;
    bool is_daemon = configuration.scheduling == scheduler::SchedulingStrategy::kDaemon;
    switch (between(1, 40)) {
      case 1:
      case 2:
      case 3:
        if (!is_daemon) configuration.desired_count = between(0, 6);
        return ask(scheduler::ServiceUpdated{key, configuration, {}});
      case 4:
      case 5:
      case 6:
      case 7:
        return ask(scheduler::ServiceUpdated{key, configuration, random_spec()});
      case 8:
        randomize_rules(configuration, is_daemon);
        return ask(scheduler::ServiceUpdated{key, configuration, {}});
      case 9:
        configuration.deployment.circuit_breaker.enable =
            !configuration.deployment.circuit_breaker.enable;
        return ask(scheduler::ServiceUpdated{key, configuration, {}});
      case 10:
        return chance(40) ? ask(scheduler::ServiceDeleted{key}) : void();
      case 11:
      case 12:
        return ask(scheduler::DeploymentStopRequested{
            service->current_service_deployment,
            chance(70) ? scheduler::StopType::kRollback : scheduler::StopType::kAbort});
      case 13:
        return ask(scheduler::AlarmChanged{"alarm", chance(50)});
      case 14:
      case 15:
        return protect(key);
      case 16:
        is_draining_ = chance(50);
        trace(is_draining_ ? "the node drains" : "the node does not drain");
        return ask(scheduler::NodeChanged{key.cluster});
      case 17:
      case 18:
        return ask(scheduler::HookAnswered{
            .service_deployment = service->current_service_deployment, .is_success = chance(70)});
      default:
        return;
    }
  }

  void create(const ServiceKey& key) {
    scheduler::ServiceCreated request;
    request.service = key;
    request.configuration = random_configuration();
    request.revision = random_spec();
    ask(std::move(request));
  }

  void protect(const ServiceKey& key) {
    for (const auto& [id, task] : core_->services().tasks_of(key)) {
      if (chance(60)) continue;
      std::optional<WallTime> until;
      if (chance(80)) until = now_ + seconds(between(10, 3000));
      core_->submit(scheduler::ProtectionChanged{id, until});
    }
    step();
  }

  // ---- The agent ----

  void tell(scheduler::Event event, FactKind kind) {
    std::string id = task_id_of(event);
    trace("agent: " + std::string(name_of(event)) + " " + id);
    facts_.push_back({kind, std::move(id)});
    core_->submit(std::move(event));
    if (chance(70)) step();
  }

  // Each task moves on, or not, as what it is made of has it.
  void live() {
    std::vector<std::string> ids;
    for (const ServiceKey& key : {ServiceKey{"c", "s1"}, ServiceKey{"c", "s2"}}) {
      for (const auto& [id, task] : core_->services().tasks_of(key)) ids.push_back(id);
    }
    for (const std::string& id : ids) {
      if (broken_.empty() && chance(60)) live_one(id);
    }
    step();
  }

  void live_one(const std::string& id) {
    if (!facts_.empty()) step();  // one fact of each task in a step: the rules count them
    const Task& task = *core_->find_task(id);
    if (task.last_status() == scheduler::TaskStatus::kStopped) return;
    if (task.desired_status == scheduler::DesiredStatus::kStopped) return end(id);
    std::string image = task.definition.container_definitions[0].image;
    if (image == "flaky") image = kImages[random_() % std::size(kImages)];
    bool has_check = task.definition.container_definitions[0].health_check.has_value();
    if (!task.started_at) return start(id, image);
    if (image == "crashes" && chance(50)) return exit(id);
    if (image == "quick") return exit(id);
    if (is_storm_ && chance(3)) return exit(id);  // someone kills it
    if (is_storm_ && chance(1)) {
      return tell(scheduler::StopRequested{.task_id = id}, FactKind::kOther);
    }
    if (has_check) return check(id, image);
  }

  void start(const std::string& id, const std::string& image) {
    if (image == "fails" || (is_storm_ && chance(3))) {
      return tell(scheduler::StartFailed{.task_id = id, .error_name = "E", .text = "t"},
                  FactKind::kFailedToStart);
    }
    tell(scheduler::ContainerStarted{.task_id = id, .container = "a", .at = now_},
         FactKind::kOther);
    if (image != "quick" || !broken_.empty()) return;
    step();
    exit(id);
  }

  void exit(const std::string& id) {
    tell(scheduler::ContainerExited{.task_id = id, .container = "a", .exit_code = 1, .at = now_},
         FactKind::kExited);
  }

  void check(const std::string& id, const std::string& image) {
    bool is_sick = image == "sick" || (is_storm_ && chance(2));
    auto status = is_sick ? scheduler::HealthStatus::kUnhealthy : scheduler::HealthStatus::kHealthy;
    const Task& task = *core_->find_task(id);
    if (task.containers[0].health.status == status) return;
    tell(
        scheduler::ContainerHealthChanged{
            .task_id = id, .container = "a", .health = {.status = status, .since = now_}},
        FactKind::kOther);
  }

  void end(const std::string& id) {
    core_->submit(scheduler::TaskStopped{.task_id = id, .at = now_});
    tell(scheduler::TaskReleased{id}, FactKind::kOther);
  }

  // ---- The end of all disturbances ----

  void calm() {
    is_storm_ = false;
    settings_.cpu_units = 0;
    is_draining_ = false;
    rules_.lift_capacity();
    trace("the node is another, with more room");
    open();
    step();
    ask(scheduler::AlarmChanged{"alarm", false});
    std::vector<ServiceKey> keys;
    for (const auto& [key, service] : core_->services().all()) keys.push_back(key);
    for (const ServiceKey& key : keys) {
      for (const auto& [id, task] : core_->services().tasks_of(key)) {
        core_->submit(scheduler::ProtectionChanged{id, {}});
      }
      const Service* service = active(key);
      if (service == nullptr) continue;
      ServiceConfiguration configuration = service->configuration;
      bool is_daemon = configuration.scheduling == scheduler::SchedulingStrategy::kDaemon;
      configuration.deployment.hooks.clear();  // nobody answers any more
      // Bounds that leave a way.
      configuration.deployment.minimum_healthy_percent = is_daemon ? 0 : 50;
      configuration.deployment.maximum_percent = is_daemon ? 100 : 200;
      ask(scheduler::ServiceUpdated{key, configuration, spec_of("good", chance(50))});
    }
    step();
    for (int i = 0; i < kRestTicks && broken_.empty() && !is_at_rest(); ++i) {
      live();
      pass(seconds(30));
    }
    if (!broken_.empty()) return;
    if (!is_at_rest()) {
      broken_.push_back("did not come to rest");
      return;
    }
    coverage_.saw("converged");
    coverage_.lived(now_ - kScenarioStart);
    forget();
  }

  // What is INACTIVE for long enough is gone, and nothing of it stays behind.
  void forget() {
    pass(scheduler::kInactiveServiceKept + seconds(1));
    for (const auto& [key, service] : core_->services().all()) {
      if (service.status == scheduler::ServiceStatus::kInactive) {
        broken_.push_back(key.name + ": INACTIVE, and not forgotten");
      }
    }
    die();
  }

  bool is_at_rest() {
    for (const auto& [key, service] : core_->services().all()) {
      const auto& tasks = core_->services().tasks_of(key);
      if (service.status == scheduler::ServiceStatus::kDraining) return false;
      if (service.status == scheduler::ServiceStatus::kInactive) continue;
      int running = 0;
      for (const auto& [id, task] : tasks) {
        bool is_right = task.phase == TaskPhase::kRunning &&
                        task.revision == service.deployments.front().revision;
        if (!is_right) return false;
        ++running;
      }
      bool is_done = service.is_steady && service.deployments.size() == 1 &&
                     running == scheduler::desired_tasks_of(service);
      if (!is_done) return false;
    }
    return true;
  }

  std::mt19937_64 random_;
  SeededRng rng_;
  Coverage& coverage_;
  bool trace_;
  scheduler::ServiceSettings settings_{};
  Rules rules_;
  RefusingStore store_;
  std::unique_ptr<Core> core_;
  WallTime now_ = kScenarioStart;
  bool is_storm_ = true;
  bool is_draining_ = false;
  std::vector<Fact> facts_;
  std::vector<std::string> broken_;
};

}  // namespace

std::vector<std::string> run_scenario(uint64_t seed, Coverage& coverage, bool trace) {
  return Scenario(seed, coverage, trace).run();
}

}  // namespace berth::sim
