#include "sys/scheduling.h"

#include "sys/call.h"

#include <sys/syscall.h>
#include <unistd.h>

namespace berth::sys {

Status set_scheduler(pid_t pid, const SchedulerAttributes& attributes) {
  return run("sched_setattr", "",
             [&] { return ::syscall(SYS_sched_setattr, pid, &attributes, 0); });
}

Result<Preference> prefer_this_thread() {
  constexpr uint64_t kResetOnFork = 1;  // SCHED_FLAG_RESET_ON_FORK of linux/sched.h
  constexpr int32_t kPreferredNice = -10;
  constexpr uint32_t kLowestRealTime = 1;
  auto at_once =
      set_scheduler(0, {.policy = SCHED_RR, .flags = kResetOnFork, .priority = kLowestRealTime});
  if (at_once) return Preference::kAtOnce;
  TRY(set_scheduler(0, {.policy = SCHED_OTHER, .flags = kResetOnFork, .nice = kPreferredNice}));
  return Preference::kNice;
}

Status set_io_priority(pid_t pid, int priority) {
  constexpr int kWhoProcess = 1;  // IOPRIO_WHO_PROCESS of linux/ioprio.h, which is not C++
  return run("ioprio_set", "",
             [&] { return ::syscall(SYS_ioprio_set, kWhoProcess, pid, priority); });
}

Status set_own_affinity(const cpu_set_t& cpus) {
  return run("sched_setaffinity", "", [&] { return ::sched_setaffinity(0, sizeof(cpus), &cpus); });
}

}  // namespace berth::sys
