#include "runtime/task_group.h"

#include "base/log.h"

#include <cerrno>
#include <string>

namespace berth::runtime {
namespace {

constexpr int kGroupAttempts = 10;

}  // namespace

// The parents are shared with other tasks, whose end may remove them between our making them and
// our filling them: then they are made again.
Result<sys::CgroupDir> TaskGroup::make_directory() const {
  auto host = TRY(sys::Cgroups::detect());
  for (int attempt = 1;; ++attempt) {
    auto group = host.make(plan_.cgroup);
    bool raced = !group && group.error().errno_value == ENOENT;
    if (!raced || attempt == kGroupAttempts) return group;
  }
}

Result<sys::CgroupDir> TaskGroup::find() const {
  auto host = TRY(sys::Cgroups::detect());
  return host.at(plan_.cgroup);
}

Status TaskGroup::make() const {
  auto group = TRY(make_directory());
  return group.apply(cgroup_limits_of(plan_.limits));
}

Status TaskGroup::remove_upwards() const {
  auto host = TRY(sys::Cgroups::detect());
  TRY(host.at(plan_.cgroup).remove());
  for (size_t slash = plan_.cgroup.rfind('/'); slash > 0 && slash != std::string::npos;
       slash = plan_.cgroup.rfind('/', slash - 1)) {
    TRY(host.at(plan_.cgroup.substr(0, slash)).remove_if_empty());
  }
  return {};
}

void TaskGroup::remove() const {
  auto removed = remove_upwards();
  if (!removed) LOG(kError, "task cgroup stays", {{"why", removed.error().text}});
}

Status TaskGroup::freeze() const {
  auto group = TRY(find());
  return group.freeze();
}

Status TaskGroup::thaw() const {
  auto group = TRY(find());
  return group.thaw();
}

}  // namespace berth::runtime
