#include "runtime/control.h"

#include "sys/cgroup.h"
#include "sys/oom_watch.h"
#include "sys/spawn.h"
#include "sys/wait.h"

#include <nlohmann/json.hpp>

#include <array>

namespace berth::runtime {
namespace {

Result<sys::CgroupDir> group_of(const State& state) {
  return TRY(sys::Cgroups::detect()).at(state.cgroup);
}

bool is_alive(ContainerStatus status) {
  return status == ContainerStatus::kCreated || status == ContainerStatus::kRunning ||
         status == ContainerStatus::kPaused;
}

}  // namespace

void refine_status(State& state) {
  if (state.status != ContainerStatus::kRunning) return;
  auto group = group_of(state);
  if (group && group->is_frozen().value_or(false)) state.status = ContainerStatus::kPaused;
}

void thaw_for_kill(const State& state) {
  auto group = group_of(state);
  if (group && !group->is_unified() && group->is_frozen().value_or(false)) {
    (void)group->thaw();  // a group that went meanwhile needs none
  }
}

Status pause(const std::string& root, const std::string& id) {
  State state = TRY(load(root, id));
  refine_status(state);
  if (state.status != ContainerStatus::kRunning && state.status != ContainerStatus::kCreated) {
    return fail(Errc::kInvalid, "container not running: it is {}", name_of(state.status));
  }
  return TRY(group_of(state)).freeze();
}

Status resume(const std::string& root, const std::string& id) {
  State state = TRY(load(root, id));
  sys::CgroupDir group = TRY(group_of(state));
  if (!is_alive(state.status) || !group.is_frozen().value_or(false)) {
    return fail(Errc::kInvalid, "container not paused");
  }
  return group.thaw();
}

Status update(const std::string& root, const std::string& id, const sys::CgroupLimits& limits) {
  State state = TRY(load(root, id));
  if (!is_alive(state.status)) {
    return fail(Errc::kInvalid, "container not running: it is {}", name_of(state.status));
  }
  return TRY(group_of(state)).update(limits);
}

Status follow_events(const State& state, std::chrono::milliseconds interval,
                     const std::function<void(const std::string&)>& tell) {
  sys::OomWatch watch = TRY(sys::OomWatch::make(TRY(group_of(state))));
  sys::Fd init = TRY(sys::open_pidfd(state.pid));
  nlohmann::ordered_json oom{{"type", "oom"}, {"id", state.id}};
  while (true) {
    std::array<pollfd, 2> polled{pollfd{init.get(), POLLIN, 0},
                                 pollfd{watch.fd(), watch.poll_events(), 0}};
    int timeout_ms = static_cast<int>(interval.count());
    long ready = TRY(sys::wait_for(polled, timeout_ms, state.id));
    // The last kill is told before the end, which it may have brought about.
    uint64_t kills = watch.take().value_or(0);
    for (uint64_t i = 0; i < kills; ++i) tell(oom.dump());
    if (polled[0].revents != 0) return {};
    if (ready == 0) tell(TRY(render_stats(state)));
  }
}

}  // namespace berth::runtime
