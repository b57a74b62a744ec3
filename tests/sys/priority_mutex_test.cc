#include "sys/priority_mutex.h"

#include "base/text.h"
#include "sys/file.h"
#include "sys/scheduling.h"

#include <gtest/gtest.h>

#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

namespace berth {
namespace {

constexpr auto kMutexPatience = std::chrono::seconds(60);
constexpr auto kMutexPause = std::chrono::milliseconds(1);

// As the kernel has it: 20 without a preference, below 0 in real time. "": it has gone.
std::string priority_of(long thread) {
  constexpr size_t kPriority = 15;  // after the command's name: proc_pid_stat(5)
  constexpr size_t kStatMax = 4096;
  std::string stat =
      sys::read_file("/proc/self/task/" + std::to_string(thread) + "/stat", kStatMax).value_or("");
  size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) return "";
  std::vector<std::string> fields = split(stat.substr(name_end + 2), ' ');
  return fields.size() > kPriority ? fields[kPriority] : "";
}

TEST(PriorityMutex, OneAtATime) {
  sys::PriorityMutex mutex;
  int count = 0;
  auto add = [&] {
    for (int i = 0; i < 10000; ++i) {
      std::lock_guard lock(mutex);
      ++count;
    }
  };
  std::thread one(add);
  std::thread other(add);
  one.join();
  other.join();
  EXPECT_EQ(count, 20000);
}

TEST(PriorityMutex, WhoHoldsItHasThePriorityOfWhoWaits) {
  sys::PriorityMutex mutex;
  std::atomic<long> holder = 0;
  std::atomic<bool> may_let_go = false;
  std::atomic<bool> is_preferred = false;
  std::atomic<bool> is_refused = false;
  std::thread holding([&] {
    std::lock_guard lock(mutex);
    holder = ::syscall(SYS_gettid);
    while (!may_let_go) std::this_thread::sleep_for(kMutexPause);
  });
  while (holder == 0) std::this_thread::sleep_for(kMutexPause);
  std::string before = priority_of(holder);
  std::thread waiting([&] {
    auto preferred = sys::prefer_this_thread();
    bool is_real_time = preferred && *preferred == sys::Preference::kAtOnce;
    (is_real_time ? is_preferred : is_refused) = true;
    std::lock_guard lock(mutex);
  });
  while (!is_preferred && !is_refused) std::this_thread::sleep_for(kMutexPause);
  auto deadline = std::chrono::steady_clock::now() + kMutexPatience;
  auto is_raised = [&] { return priority_of(holder).starts_with('-'); };
  while (is_preferred && !is_raised() && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(kMutexPause);
  }
  std::string meanwhile = priority_of(holder);
  may_let_go = true;
  holding.join();
  waiting.join();
  if (is_refused) GTEST_SKIP() << "no real time for this user or control group";
  EXPECT_FALSE(before.starts_with('-')) << before;
  EXPECT_EQ(meanwhile, "-2");  // SCHED_RR at its lowest
}

}  // namespace
}  // namespace berth
