// How the kernel schedules a process.
#pragma once

#include "base/result.h"

#include <sched.h>

#include <cstddef>
#include <cstdint>
#include <optional>

#include <sys/types.h>

namespace berth::sys {

// As linux/sched/types.h, which cannot stand beside <sched.h> of newer C libraries.
struct SchedulerAttributes {
  uint32_t size = kSize;
  uint32_t policy = 0;  // SCHED_*
  uint64_t flags = 0;   // SCHED_FLAG_*
  int32_t nice = 0;
  uint32_t priority = 0;
  uint64_t runtime_ns = 0;
  uint64_t deadline_ns = 0;
  uint64_t period_ns = 0;

  static constexpr uint32_t kSize = 48;  // SCHED_ATTR_SIZE_VER0
};
static_assert(sizeof(SchedulerAttributes) == SchedulerAttributes::kSize);

// sched_setattr(2).
Status set_scheduler(pid_t pid, const SchedulerAttributes& attributes);
enum class Preference {
  kAtOnce,  // SCHED_RR at its lowest: gets a processor when it wants one
  kNice,    // nice -10, which says nothing beside other sessions and control groups (sched(7))
};
// The calling thread comes before others that want its processor; threads and programs that it
// starts from now on do not (SCHED_FLAG_RESET_ON_FORK). Nice where a host or a control group has no
// real time to give. kDenied without CAP_SYS_NICE.
Result<Preference> prefer_this_thread();
// The calling thread stays on one processor from now on, the last of several that the process may
// use, so that others can leave it alone. Once, before others look; nothing where there is one.
Status settle_this_thread();
// Those that the process was given, for programs that it starts or becomes; null: no thread has
// settled.
const cpu_set_t* given_processors();
// While it lives, the calling thread is on none that another has settled on: for what takes long
// within one system call. A kernel without preemption (PREEMPT_NONE) takes no processor away there,
// however urgent the thread is that waits for it.
class AwayFromSettled {
 public:
  AwayFromSettled();
  ~AwayFromSettled();
  AwayFromSettled(const AwayFromSettled&) = delete;
  AwayFromSettled& operator=(const AwayFromSettled&) = delete;

 private:
  std::optional<cpu_set_t> before_;  // nothing: it stays where it is
};
// ioprio_set(2): class and level in one number.
Status set_io_priority(pid_t pid, int priority);
// sched_setaffinity(2) of the calling process; its children have it from then on.
Status set_own_affinity(const cpu_set_t& cpus);

}  // namespace berth::sys
