#include "scaling/book.h"

#include "scaling/record.h"

#include <algorithm>
#include <tuple>

namespace berth::scaling {
namespace {

template <class Value>
std::vector<const Value*> named_under(const std::map<std::string, Value>& all,
                                      const ServiceKey& service) {
  std::vector<const Value*> found;
  std::string prefix = key_of(service) + "/";
  for (auto each = all.lower_bound(prefix); each != all.end() && each->first.starts_with(prefix);
       ++each) {
    found.push_back(&each->second);
  }
  return found;
}

}  // namespace

Result<ScalingBook> ScalingBook::open(scheduler::RecordStore& records) {
  ScalingBook book(records);
  for (const scheduler::Record& record : TRY(records.read(kTargetKind))) {
    book.targets_.emplace(record.key, TRY(parse_target_record(record)));
  }
  for (const scheduler::Record& record : TRY(records.read(kPolicyKind))) {
    book.policies_.emplace(record.key, TRY(parse_policy_record(record)));
  }
  for (const scheduler::Record& record : TRY(records.read(kActionKind))) {
    book.actions_.emplace(record.key, TRY(parse_action_record(record)));
  }
  for (const scheduler::Record& record : TRY(records.read(kActivityKind))) {
    Activity activity = TRY(parse_activity_record(record));
    book.activities_[activity.service].push_back(std::move(activity));
  }
  for (auto& [service, activities] : book.activities_) {
    std::sort(activities.begin(), activities.end(), [](const Activity& one, const Activity& other) {
      return std::tie(one.started_at, one.id) < std::tie(other.started_at, other.id);
    });
  }
  return book;
}

const ScalableTarget* ScalingBook::find_target(const ServiceKey& service) const {
  auto found = targets_.find(key_of(service));
  return found == targets_.end() ? nullptr : &found->second;
}

std::vector<const Policy*> ScalingBook::policies_of(const ServiceKey& service) const {
  return named_under(policies_, service);
}

std::vector<const ScheduledAction*> ScalingBook::actions_of(const ServiceKey& service) const {
  return named_under(actions_, service);
}

const std::vector<Activity>& ScalingBook::activities_of(const ServiceKey& service) const {
  static const std::vector<Activity> kNone;
  auto found = activities_.find(service);
  return found == activities_.end() ? kNone : found->second;
}

std::vector<const Activity*> ScalingBook::all_activities() const {
  std::vector<const Activity*> all;
  for (const auto& [service, activities] : activities_) {
    // The newest first: of two of one moment the one that was made last.
    for (auto each = activities.rbegin(); each != activities.rend(); ++each) all.push_back(&*each);
  }
  return all;
}

Changes ScalingBook::without(const ServiceKey& service) const {
  Changes changes;
  if (find_target(service) != nullptr) changes.gone.push_back({kTargetKind, key_of(service), {}});
  for (const Policy* policy : policies_of(service)) {
    changes.gone.push_back({kPolicyKind, key_of(service) + "/" + policy->name, {}});
  }
  for (const ScheduledAction* action : actions_of(service)) {
    changes.gone.push_back({kActionKind, key_of(service) + "/" + action->name, {}});
  }
  return changes;
}

std::vector<scheduler::Record> ScalingBook::records_of(const Changes& changes) const {
  std::vector<scheduler::Record> records = changes.gone;
  for (const auto& target : changes.targets) records.push_back(record_of(target));
  for (const auto& policy : changes.policies) records.push_back(record_of(policy));
  for (const auto& action : changes.actions) records.push_back(record_of(action));
  std::map<ServiceKey, size_t> fresh;
  for (const Activity& activity : changes.activities) {
    records.push_back(record_of(activity));
    const auto& known = activities_of(activity.service);
    bool is_known = std::any_of(known.begin(), known.end(),
                                [&](const Activity& each) { return each.id == activity.id; });
    if (!is_known) ++fresh[activity.service];
  }
  for (const auto& [service, count] : fresh) {
    const auto& known = activities_of(service);
    size_t all = known.size() + count;
    size_t over = std::min(known.size(), all > kActivitiesMax ? all - kActivitiesMax : 0);
    for (size_t i = 0; i < over; ++i) records.push_back({kActivityKind, known[i].id, {}});
  }
  return records;
}

void ScalingBook::apply(const Changes& changes) {
  for (const scheduler::Record& gone : changes.gone) {
    if (gone.kind == kTargetKind) targets_.erase(gone.key);
    if (gone.kind == kPolicyKind) policies_.erase(gone.key);
    if (gone.kind == kActionKind) actions_.erase(gone.key);
  }
  for (const auto& target : changes.targets) {
    targets_.insert_or_assign(key_of(target.service), target);
  }
  for (const auto& policy : changes.policies) {
    policies_.insert_or_assign(key_of(policy.service) + "/" + policy.name, policy);
  }
  for (const auto& action : changes.actions) {
    actions_.insert_or_assign(key_of(action.service) + "/" + action.name, action);
  }
  for (const Activity& activity : changes.activities) {
    auto& known = activities_[activity.service];
    auto found = std::find_if(known.begin(), known.end(),
                              [&](const Activity& each) { return each.id == activity.id; });
    if (found != known.end()) {
      *found = activity;
    } else {
      known.push_back(activity);
    }
    if (known.size() > kActivitiesMax) known.erase(known.begin());
  }
}

Status ScalingBook::write(const Changes& changes) {
  TRY(records_->write(records_of(changes)));
  apply(changes);
  return {};
}

}  // namespace berth::scaling
