#include "sys/scheduling.h"

#include "sys/call.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>

namespace berth::sys {
namespace {

constexpr int kNoProcessor = -1;

struct Settled {
  cpu_set_t given;
  std::atomic<int> processor = kNoProcessor;  // written behind `given`
};
Settled settled;

Result<cpu_set_t> own_affinity() {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  TRY(run("sched_getaffinity", "", [&] { return ::sched_getaffinity(0, sizeof(cpus), &cpus); }));
  return cpus;
}

int last_of(const cpu_set_t& cpus) {
  int last = kNoProcessor;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &cpus)) last = cpu;
  }
  return last;
}

}  // namespace

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

Status settle_this_thread() {
  cpu_set_t given = TRY(own_affinity());
  if (CPU_COUNT(&given) < 2) return {};
  int processor = last_of(given);
  cpu_set_t own;
  CPU_ZERO(&own);
  CPU_SET(processor, &own);
  TRY(set_own_affinity(own));
  settled.given = given;
  settled.processor = processor;
  return {};
}

const cpu_set_t* given_processors() {
  return settled.processor == kNoProcessor ? nullptr : &settled.given;
}

AwayFromSettled::AwayFromSettled() {
  if (settled.processor == kNoProcessor) return;
  auto before = own_affinity();
  if (!before) return;
  cpu_set_t others = *before;
  CPU_CLR(settled.processor, &others);
  if (CPU_COUNT(&others) > 0 && set_own_affinity(others)) before_ = *before;
}

AwayFromSettled::~AwayFromSettled() {
  if (before_) (void)set_own_affinity(*before_);  // those that it had a moment ago
}

}  // namespace berth::sys
