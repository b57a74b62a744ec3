#include "scheduler/service_scheduler.h"

#include "base/ids.h"
#include "base/log.h"
#include "scheduler/deployment_decision.h"
#include "scheduler/service_record.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

namespace berth::scheduler {
namespace {

// Each round of a service does something that the next one finds done; this many are a mistake of
// ours, which must not hold up all the others.
constexpr int kRoundsMax = 64;
constexpr Duration kRoundsPause = std::chrono::seconds(1);

NodeCapacity capacity_of(const ServiceSettings& settings) {
  constexpr uint64_t kPlenty = std::numeric_limits<uint64_t>::max() / 2;
  return {.cpu_units = settings.cpu_units == 0 ? kPlenty : settings.cpu_units,
          .memory_mib = settings.memory_mib == 0 ? kPlenty : settings.memory_mib};
}

bool is_over(const Task& task) {
  return task.last_status() == TaskStatus::kStopped;
}

bool has_same_bindings(const Task& one, const Task& other) {
  return std::equal(one.containers.begin(), one.containers.end(), other.containers.begin(),
                    other.containers.end(), [](const Container& a, const Container& b) {
                      return a.network_bindings == b.network_bindings;
                    });
}

ServiceKey service_of(const Task& task) {
  return {task.request.cluster, task.request.service};
}

// Those that the service gives its tasks.
std::vector<KeyValue> task_tags_of(const Service& service) {
  const ServiceConfiguration& configuration = service.configuration;
  std::vector<KeyValue> tags;
  if (configuration.propagate_tags == PropagateTags::kService) tags = configuration.tags;
  if (configuration.propagate_tags == PropagateTags::kTaskDefinition) {
    tags = configuration.definition_tags;
  }
  if (!configuration.enable_managed_tags) return tags;
  tags.push_back({"aws:ecs:clusterName", service.key.cluster});
  tags.push_back({"aws:ecs:serviceName", service.key.name});
  return tags;
}

// Whether something of the service still speaks of the revision.
bool is_named(const Service& service, const std::string& revision) {
  if (service.completed_revision == revision) return true;
  for (const Deployment& each : service.deployments) {
    if (each.revision == revision) return true;
  }
  for (const TaskSet& each : service.task_sets) {
    if (each.revision == revision) return true;
  }
  return false;
}

void remove_ids(std::vector<std::string>& ids, const std::vector<std::string>& gone) {
  std::erase_if(ids, [&](const std::string& id) {
    return std::find(gone.begin(), gone.end(), id) != gone.end();
  });
}

void add_cause(std::string& causes, const std::string& cause) {
  if (!causes.empty() && !cause.empty()) causes += ", ";
  causes += cause;
}

void add_id(std::vector<std::string>& ids, const std::string& id) {
  if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
}

}  // namespace

ServiceScheduler::ServiceScheduler(ServiceSettings settings, Rng& rng)
    : settings_(std::move(settings)),
      rules_{.healthy_after = settings_.healthy_after, .node_id = settings_.node_id},
      rng_(rng),
      room_(capacity_of(settings_)) {}

Status ServiceScheduler::load(const Store& store) {
  for (const Record& record : TRY(store.read(kServiceKind))) {
    Service service = TRY(parse_service_record(record));
    set_wake(service.key, WallTime());  // long ago
    services_.services_.emplace(service.key, std::move(service));
  }
  std::vector<ServiceRevision> revisions;
  for (const Record& record : TRY(store.read(kServiceRevisionKind))) {
    revisions.push_back(TRY(parse_service_revision_record(record, settings_.host)));
  }
  std::vector<ServiceDeployment> deployments;
  for (const Record& record : TRY(store.read(kServiceDeploymentKind))) {
    deployments.push_back(TRY(parse_service_deployment_record(record)));
  }
  auto by_age = [](const auto& one, const auto& other) {
    return std::tie(one.created_at, one.id) < std::tie(other.created_at, other.id);
  };
  std::sort(revisions.begin(), revisions.end(), by_age);
  std::sort(deployments.begin(), deployments.end(), by_age);
  for (ServiceRevision& revision : revisions) {
    services_.revision_ids_[revision.service].push_back(revision.id);
    services_.revisions_.emplace(revision.id, std::move(revision));
  }
  for (ServiceDeployment& deployment : deployments) {
    services_.deployment_ids_[deployment.service].push_back(deployment.id);
    services_.deployments_.emplace(deployment.id, std::move(deployment));
  }
  for (const Record& record : TRY(store.read(kServiceEventKind))) {
    KeptServiceEvent kept = TRY(parse_service_event_record(record));
    services_.events_[kept.service].push_back(std::move(kept.event));
  }
  for (const Record& record : TRY(store.read(kAlarmKind))) services_.alarms_.insert(record.key);
  for (const Task* each : store.living_tasks()) {
    const Task& task = *each;
    if (is_over(task)) continue;
    room_.take(holding_of(task));
    if (!task.request.service.empty()) {
      services_.tasks_[service_of(task)].emplace(task.id, service_task_of(task));
    }
  }
  return {};
}

std::optional<WallTime> ServiceScheduler::next_deadline() const {
  if (by_wake_.empty()) return std::nullopt;
  return by_wake_.begin()->first;
}

// ---- What the step changes ----

void ServiceScheduler::begin(WallTime now) {
  draft_ = Draft{};
  draft_.now = now;
  for (const auto& [at, key] : by_wake_) {
    if (at > now || !has_budget()) break;
    draft_.looked += cost_of(key);
    draft_.due.insert(key);
  }
}

size_t ServiceScheduler::cost_of(const ServiceKey& key) const {
  return 1 + services_.tasks_of(key).size();
}

ServiceScheduler::Entry* ServiceScheduler::touch(const ServiceKey& key) {
  auto found = draft_.entries.find(key);
  if (found != draft_.entries.end()) return &found->second;
  const Service* service = services_.find(key);
  if (service == nullptr) return nullptr;
  Entry& entry = draft_.entries[key];
  entry.service = *service;
  return &entry;
}

ServiceScheduler::Entry* ServiceScheduler::touch_active(const ServiceKey& key) {
  Entry* entry = touch(key);
  return entry == nullptr || entry->service.status != ServiceStatus::kActive ? nullptr : entry;
}

void ServiceScheduler::look_at(const ServiceKey& key, const std::string& cause) {
  Entry* entry = touch(key);
  if (entry == nullptr) return;
  add_cause(entry->cause, cause);
  draft_.due.insert(key);
}

void ServiceScheduler::look_soon_at(const ServiceKey& key, const std::string& cause) {
  add_cause(draft_.due_soon[key], cause);
}

void ServiceScheduler::look_at_waiting() {
  for (const ServiceKey& key : waiting_) look_soon_at(key, "");
}

ServiceDeployment* ServiceScheduler::touch_deployment(const std::string& id) {
  auto found = draft_.deployments.find(id);
  if (found != draft_.deployments.end()) return &found->second;
  const ServiceDeployment* deployment = services_.find_deployment(id);
  if (deployment == nullptr) return nullptr;
  return &draft_.deployments.emplace(id, *deployment).first->second;
}

const ServiceRevision* ServiceScheduler::find_revision(const std::string& id) const {
  auto found = draft_.revisions.find(id);
  return found != draft_.revisions.end() ? &found->second : services_.find_revision(id);
}

const std::map<std::string, ServiceTask>& ServiceScheduler::tasks_of(const ServiceKey& key) const {
  auto found = draft_.entries.find(key);
  bool has_changed = found != draft_.entries.end() && found->second.tasks;
  return has_changed ? *found->second.tasks : services_.tasks_of(key);
}

bool ServiceScheduler::is_raised(const std::string& alarm) const {
  auto found = draft_.alarms.find(alarm);
  return found != draft_.alarms.end() ? found->second : services_.alarms_.contains(alarm);
}

std::set<std::string> ServiceScheduler::raised_alarms() const {
  std::set<std::string> raised = services_.alarms_;
  for (const auto& [alarm, is_raised] : draft_.alarms) {
    if (is_raised) {
      raised.insert(alarm);
    } else {
      raised.erase(alarm);
    }
  }
  return raised;
}

// An event of ours: ECS has no words for it.
void ServiceScheduler::tell(Entry& entry, const char* name, std::string cause) {
  ServiceEvent event;
  event.id = make_uuid(rng_);
  event.created_at = draft_.now;
  event.name = name;
  event.cause = std::move(cause);
  entry.events.push_back(std::move(event));
}

std::string ServiceScheduler::add_revision(const ServiceKey& key, const RevisionSpec& spec) {
  ServiceRevision revision;
  revision.id = make_service_number(rng_);
  revision.service = key;
  revision.spec = spec;
  revision.created_at = draft_.now;
  std::string id = revision.id;
  draft_.revisions.emplace(id, std::move(revision));
  return id;
}

void ServiceScheduler::end_deployment(const Service& service, const std::string& reason) {
  ServiceDeployment* current = touch_deployment(service.current_service_deployment);
  if (current != nullptr) supersede(*current, reason, draft_.now);
}

void ServiceScheduler::start_deployment(Entry& entry, const RevisionSpec& spec) {
  end_deployment(entry.service, "Another deployment of the service began.");
  std::string revision = add_revision(entry.service.key, spec);
  std::set<std::string> raised = raised_alarms();
  ServiceDeployment begun = begin_deployment(
      entry.service, {.revision = revision, .raised_alarms = raised, .now = draft_.now}, rng_);
  const Deployment& primary = entry.service.deployments.front();
  tell(entry, "SERVICE_DEPLOYMENT_IN_PROGRESS",
       fmt::format("{} begins: task definition {}:{}", primary.id, spec.definition.family,
                   spec.request.revision));
  draft_.deployments.emplace(begun.id, std::move(begun));
}

// ---- What becomes of tasks ----

void ServiceScheduler::note_room(const Task* before, const Task& after) {
  Turnover turnover;
  bool had = before != nullptr && !is_over(*before);
  bool has = !is_over(after);
  if (had && has && has_same_bindings(*before, after)) return;
  if (had) turnover.before = holding_of(*before);
  if (has) turnover.after = holding_of(after);
  if (turnover.before) room_.give_back(*turnover.before);
  if (turnover.after) room_.take(*turnover.after);
  if (had && !has) look_at_waiting();
  draft_.turnover.push_back(std::move(turnover));
}

// The images of the first task are those of the revision.
void ServiceScheduler::note_digests(const Task& task) {
  const ServiceRevision* revision = find_revision(task.request.service_revision);
  if (revision == nullptr || !revision->image_digests.empty()) return;
  ServiceRevision resolved = *revision;
  for (const Container& container : task.containers) {
    if (container.image_digest.empty()) return;
    resolved.image_digests.emplace(container.name, container.image_digest);
  }
  std::string id = resolved.id;
  draft_.revisions.insert_or_assign(std::move(id), std::move(resolved));
}

void ServiceScheduler::note(const Task* before, const Task& after) {
  note_room(before, after);
  if (after.request.service.empty()) return;
  note_digests(after);
  ServiceKey key = service_of(after);
  ServiceTask view = service_task_of(after);
  const auto& known = tasks_of(key);
  auto found = known.find(after.id);
  bool is_known = found != known.end();
  if (is_over(after) ? !is_known : is_known && found->second == view) return;
  Entry* entry = touch(key);
  if (entry == nullptr) return;
  if (!entry->tasks) entry->tasks = known;
  if (is_over(after)) {
    entry->tasks->erase(after.id);
  } else {
    entry->tasks->insert_or_assign(after.id, std::move(view));
  }
  if (auto news = news_of(before, after)) entry->news.push_back(std::move(*news));
  draft_.due.insert(key);
}

// ---- Decisions ----

const Service* ServiceScheduler::find_in_step(const ServiceKey& key) const {
  auto found = draft_.entries.find(key);
  return found != draft_.entries.end() ? &found->second.service : services_.find(key);
}

// The first of those that it depends on that is not as it is to be; "" when all are.
std::string ServiceScheduler::wait_of(const Service& service) const {
  for (const std::string& name : service.configuration.depends_on) {
    const Service* other = find_in_step({service.key.cluster, name});
    if (other == nullptr || other->status != ServiceStatus::kActive) {
      return fmt::format("it waits for service {}, which is not there", name);
    }
    if (!other->is_steady) return fmt::format("it waits for service {} to be steady", name);
  }
  return "";
}

void ServiceScheduler::look_at_dependents(const ServiceKey& key) {
  for (const ServiceKey& waiting : waiting_) {
    const Service* service = waiting.cluster == key.cluster ? find_in_step(waiting) : nullptr;
    if (service == nullptr) continue;
    const std::vector<std::string>& names = service->configuration.depends_on;
    bool depends = std::find(names.begin(), names.end(), key.name) != names.end();
    if (depends) look_soon_at(waiting, fmt::format("service {} is steady", key.name));
  }
}

ServiceFacts ServiceScheduler::facts_of(Entry& entry) const {
  ServiceFacts facts;
  const std::string& current = entry.service.current_service_deployment;
  auto changed = draft_.deployments.find(current);
  if (changed != draft_.deployments.end()) {
    facts.deployment = changed->second;
  } else if (const ServiceDeployment* known = services_.find_deployment(current)) {
    facts.deployment = *known;
  }
  const auto& tasks = tasks_of(entry.service.key);
  facts.tasks.reserve(tasks.size());
  for (const auto& [id, task] : tasks) facts.tasks.push_back(task);
  facts.news = std::exchange(entry.news, {});
  facts.cause = entry.cause;
  facts.raised_alarms = raised_alarms();
  facts.waits_for = wait_of(entry.service);
  bool is_draining = settings_.drains && settings_.drains(entry.service.key.cluster);
  std::set<std::string> revisions = {entry.service.completed_revision};
  for (const Deployment& each : entry.service.deployments) revisions.insert(each.revision);
  for (const TaskSet& each : entry.service.task_sets) revisions.insert(each.revision);
  for (const std::string& id : revisions) {
    const ServiceRevision* revision = find_revision(id);
    if (revision == nullptr) continue;
    ServiceFacts::Place place;
    place.holding = holding_of(revision->spec.definition);
    place.launch_type = revision->spec.request.launch_type;
    if (settings_.unsuited) place.unsuited = settings_.unsuited(entry.service, revision->spec);
    place.is_draining = is_draining && place.launch_type != "FARGATE";
    facts.places.emplace(id, std::move(place));
  }
  facts.service = std::move(entry.service);
  return facts;
}

Event ServiceScheduler::start_event(const Service& service, const TaskStart& start) const {
  const ServiceRevision& revision = *find_revision(start.revision);
  RunTaskRequested event;
  event.task_id = start.task_id;
  event.definition = revision.spec.definition;
  event.request = revision.spec.request;
  event.request.cluster = service.key.cluster;
  event.request.service = service.key.name;
  event.request.service_revision = revision.id;
  event.request.group = "service:" + service.key.name;
  event.request.started_by = start.started_by;
  event.request.capacity_provider = start.provider;
  event.request.tags = task_tags_of(service);
  event.request.enable_execute_command = service.configuration.enable_execute_command;
  for (const ContainerDefinition& container : event.definition.container_definitions) {
    auto digest = revision.image_digests.find(container.name);
    if (container.is_version_consistent && digest != revision.image_digests.end()) {
      event.image_digests.insert(*digest);
    }
  }
  return event;
}

std::vector<Event> ServiceScheduler::decide_one(const ServiceKey& key) {
  Entry* entry = touch(key);
  if (entry == nullptr) return {};
  entry->is_decided = true;
  auto soon = draft_.due_soon.find(key);
  if (soon != draft_.due_soon.end()) {
    add_cause(entry->cause, soon->second);
    draft_.due_soon.erase(soon);
  }
  auto late = late_causes_.find(key);
  if (late != late_causes_.end() && entry->rounds == 0) add_cause(entry->cause, late->second);
  if (++entry->rounds > kRoundsMax) {
    LOG(kError, "a service does not come to rest", {{"service", key.name}});
    entry->wake = draft_.now + kRoundsPause;
    return {};
  }
  bool was_steady = entry->service.is_steady;
  Verdict verdict = scheduler::decide(facts_of(*entry), room_, rules_, draft_.now, rng_);
  bool becomes_steady = verdict.service.is_steady && !was_steady;
  entry->service = std::move(verdict.service);
  entry->cause = verdict.occasion;
  entry->wake = verdict.wake;
  entry->waits_for_room = verdict.waits_for_room;
  entry->is_forgotten = verdict.is_forgotten;
  for (ServiceEvent& event : verdict.events) entry->events.push_back(std::move(event));
  if (becomes_steady) look_at_dependents(key);
  if (verdict.deployment) {
    std::string id = verdict.deployment->id;
    draft_.deployments.insert_or_assign(std::move(id), std::move(*verdict.deployment));
  }
  std::vector<Event> events;
  for (const TaskStart& start : verdict.starts)
    events.push_back(start_event(entry->service, start));
  for (const TaskHold& hold : verdict.holds) {
    events.push_back(HoldChanged{.task_id = hold.task_id, .is_held = hold.is_held});
  }
  for (const TaskStop& stop : verdict.stops) {
    events.push_back(StopRequested{.task_id = stop.task_id,
                                   .stop_code = StopCode::kServiceSchedulerInitiated,
                                   .reason = stop.reason});
  }
  return events;
}

// Nothing when all others that are due are put off.
std::optional<ServiceKey> ServiceScheduler::next_due() {
  if (!draft_.due.empty()) return *draft_.due.begin();
  if (draft_.due_soon.empty() || !has_budget()) return std::nullopt;
  const ServiceKey& key = draft_.due_soon.begin()->first;
  draft_.looked += cost_of(key);
  return key;
}

std::vector<Event> ServiceScheduler::decide() {
  while (std::optional<ServiceKey> key = next_due()) {
    draft_.due.erase(*key);
    std::vector<Event> events = decide_one(*key);
    draft_.due_soon.erase(*key);  // also of one that is not there
    if (!events.empty()) return events;
  }
  return {};
}

// ---- Storing ----

ServiceScheduler::Outdated ServiceScheduler::outdated_of(const ServiceKey& key,
                                                         const Entry& entry) const {
  Outdated outdated;
  auto events = services_.events_.find(key);
  size_t kept = events == services_.events_.end() ? 0 : events->second.size();
  size_t all = kept + entry.events.size();
  if (entry.is_new) {
    outdated.events = kept;
  } else if (all > kServiceEventsMax) {
    outdated.events = std::min(kept, all - kServiceEventsMax);
  }
  auto deployments = services_.deployment_ids_.find(key);
  if (deployments != services_.deployment_ids_.end()) {
    size_t count = deployments->second.size();
    for (size_t i = 0; i + kServiceDeploymentsMax < count; ++i) {
      outdated.deployments.push_back(deployments->second[i]);
    }
  }
  auto revisions = services_.revision_ids_.find(key);
  if (revisions == services_.revision_ids_.end()) return outdated;
  size_t count = revisions->second.size();
  const auto& tasks = tasks_of(key);
  for (size_t i = 0; i + kServiceDeploymentsMax < count; ++i) {
    const std::string& id = revisions->second[i];
    bool is_used = is_named(entry.service, id) ||
                   std::any_of(tasks.begin(), tasks.end(),
                               [&](const auto& each) { return each.second.revision == id; });
    if (!is_used) outdated.revisions.push_back(id);
  }
  return outdated;
}

ServiceScheduler::Outdated ServiceScheduler::all_of(const ServiceKey& key) const {
  Outdated all;
  auto events = services_.events_.find(key);
  if (events != services_.events_.end()) all.events = events->second.size();
  auto deployments = services_.deployment_ids_.find(key);
  if (deployments != services_.deployment_ids_.end()) all.deployments = deployments->second;
  auto revisions = services_.revision_ids_.find(key);
  if (revisions != services_.revision_ids_.end()) all.revisions = revisions->second;
  return all;
}

void ServiceScheduler::add_removals(std::vector<Record>& records, const ServiceKey& key,
                                    const Outdated& outdated) {
  for (const std::string& id : outdated.revisions) {
    records.push_back({kServiceRevisionKind, id, {}});
  }
  for (const std::string& id : outdated.deployments) {
    records.push_back({kServiceDeploymentKind, id, {}});
  }
  for (size_t i = 0; i < outdated.events; ++i) {
    int64_t number = services_.events_.find(key)->second[i].number;
    records.push_back({kServiceEventKind, event_record_key(key, number), {}});
  }
}

std::vector<Record> ServiceScheduler::records() {
  std::vector<Record> records;
  for (auto& [key, entry] : draft_.entries) {
    if (entry.is_forgotten) {
      records.push_back({kServiceKind, service_record_key(key), {}});
      add_removals(records, key, all_of(key));
      continue;
    }
    for (ServiceEvent& event : entry.events) {
      event.number = ++entry.service.events_so_far;
      records.push_back(service_record_of(key, event));
    }
    const Service* stored = services_.find(key);
    if (stored != nullptr && *stored == entry.service) continue;
    records.push_back(service_record_of(entry.service));
    Outdated outdated = outdated_of(key, entry);
    add_removals(records, key, outdated);
    draft_.outdated.emplace(key, std::move(outdated));
  }
  for (const auto& [id, revision] : draft_.revisions) {
    records.push_back(service_record_of(revision));
  }
  for (const auto& [id, deployment] : draft_.deployments) {
    const ServiceDeployment* stored = services_.find_deployment(id);
    if (stored == nullptr || !(*stored == deployment)) {
      records.push_back(service_record_of(deployment));
    }
  }
  for (const Record& record : draft_.others) records.push_back(record);
  for (const auto& [alarm, is_raised] : draft_.alarms) {
    records.push_back(
        {kAlarmKind, alarm, is_raised ? std::optional<std::string>("{}") : std::nullopt});
  }
  return records;
}

void ServiceScheduler::set_wake(const ServiceKey& key, std::optional<WallTime> wake) {
  auto known = wakes_.find(key);
  if (known != wakes_.end()) {
    by_wake_.erase({known->second, key});
    wakes_.erase(known);
  }
  if (!wake) return;
  wakes_.emplace(key, *wake);
  by_wake_.emplace(*wake, key);
}

void ServiceScheduler::keep_outdated(const ServiceKey& key, const Outdated& outdated) {
  for (const std::string& id : outdated.revisions) services_.revisions_.erase(id);
  for (const std::string& id : outdated.deployments) services_.deployments_.erase(id);
  remove_ids(services_.revision_ids_[key], outdated.revisions);
  remove_ids(services_.deployment_ids_[key], outdated.deployments);
  auto& events = services_.events_[key];
  events.erase(events.begin(), events.begin() + static_cast<std::ptrdiff_t>(outdated.events));
}

void ServiceScheduler::keep_entry(const ServiceKey& key, Entry& entry) {
  auto& events = services_.events_[key];
  for (const ServiceEvent& event : entry.events) events.push_back(event);
  services_.services_.insert_or_assign(key, std::move(entry.service));
  if (entry.tasks) services_.tasks_.insert_or_assign(key, std::move(*entry.tasks));
  if (!entry.is_decided) return;
  set_wake(key, entry.wake);
  late_causes_.erase(key);
  if (entry.waits_for_room) {
    waiting_.insert(key);
  } else {
    waiting_.erase(key);
  }
}

void ServiceScheduler::forget(const ServiceKey& key) {
  Outdated all = all_of(key);
  for (const std::string& id : all.revisions) services_.revisions_.erase(id);
  for (const std::string& id : all.deployments) services_.deployments_.erase(id);
  services_.revision_ids_.erase(key);
  services_.deployment_ids_.erase(key);
  services_.events_.erase(key);
  services_.tasks_.erase(key);
  services_.services_.erase(key);
  set_wake(key, {});
  waiting_.erase(key);
  late_causes_.erase(key);
  told_weights_.erase(key);
}

void ServiceScheduler::attach(TrafficPlane& plane) {
  plane_ = &plane;
  for (const auto& [key, service] : services_.all()) shift_traffic(key);
}

// Whoever moves traffic hears what is stored, never what may yet be refused.
void ServiceScheduler::shift_traffic(const ServiceKey& key) {
  if (plane_ == nullptr) return;
  const Service& service = *services_.find(key);
  TrafficWeights weights =
      traffic_of(service, services_.find_deployment(service.current_service_deployment));
  auto [told, is_new] = told_weights_.try_emplace(key);
  if (told->second == weights) return;
  told->second = weights;
  plane_->shift(key, weights);
}

// Due since now: those that are due for longer come before them.
void ServiceScheduler::keep_due_soon() {
  for (const auto& [key, cause] : draft_.due_soon) {
    if (services_.find(key) == nullptr) continue;  // it was forgotten
    auto wake = wakes_.find(key);
    if (wake == wakes_.end() || wake->second > draft_.now) set_wake(key, draft_.now);
    if (!cause.empty()) add_cause(late_causes_[key], cause);
  }
}

void ServiceScheduler::keep() {
  for (const auto& [key, outdated] : draft_.outdated) keep_outdated(key, outdated);
  for (auto& [id, revision] : draft_.revisions) {
    add_id(services_.revision_ids_[revision.service], id);
    services_.revisions_.insert_or_assign(id, std::move(revision));
  }
  for (auto& [id, deployment] : draft_.deployments) {
    add_id(services_.deployment_ids_[deployment.service], id);
    services_.deployments_.insert_or_assign(id, std::move(deployment));
  }
  for (const auto& [alarm, is_raised] : draft_.alarms) {
    if (is_raised) {
      services_.alarms_.insert(alarm);
    } else {
      services_.alarms_.erase(alarm);
    }
  }
  for (auto& [key, entry] : draft_.entries) {
    if (entry.is_forgotten) {
      forget(key);
      continue;
    }
    keep_entry(key, entry);
    shift_traffic(key);
  }
  keep_due_soon();
  Draft kept = std::move(draft_);
  draft_ = Draft{};
  if (!sink_) return;
  for (const auto& [key, entry] : kept.entries) {
    for (const ServiceEvent& event : entry.events) sink_(key, event);
  }
}

void ServiceScheduler::drop() {
  for (auto each = draft_.turnover.rbegin(); each != draft_.turnover.rend(); ++each) {
    if (each->after) room_.give_back(*each->after);
    if (each->before) room_.take(*each->before);
  }
  draft_ = Draft{};
}

}  // namespace berth::scheduler
