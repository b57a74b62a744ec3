// Loop: an epoll(7) loop. Everything we wait for is a descriptor: sockets, pidfds, signals, timers.
// One thread runs it and owns all state that its handlers touch; post() is the only way in from
// other threads, and holds the only lock.
#pragma once

#include "base/env.h"
#include "base/result.h"
#include "sys/fd.h"
#include "sys/priority_mutex.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace berth::sys {

class Loop {
 public:
  // Handlers run to completion and must not block. `events` are EPOLL* bits.
  using Handler = std::function<void(uint32_t events)>;
  using Task = std::function<void()>;

  static Result<std::unique_ptr<Loop>> make(Clock& clock);
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  ~Loop();

  // Calls `handler` when `fd` (borrowed; it must outlive the watch) is ready for `events`.
  // Level-triggered. A handler may unwatch any descriptor, its own included.
  Status watch(int fd, uint32_t events, Handler handler);
  void unwatch(int fd);

  // Runs `task` once, `delay` from now. The id cancels it.
  using TimerId = uint64_t;
  TimerId after(Duration delay, Task task);
  void cancel(TimerId id);
  // When the next timer is due; nothing: there is none.
  std::optional<Instant> next_timer() const;

  // Blocks the given signals for this thread and later ones and hands them to `handler` through a
  // signalfd(2). Call before other threads start. At most once.
  Status on_signals(const std::vector<int>& signals, std::function<void(int signal)> handler);

  // Runs `task` on the loop's thread, soon. Safe from any thread.
  void post(Task task);

  // Runs until stop(). Errors are those of epoll_wait.
  Status run();
  // Makes run() return after the handlers in hand. Loop thread only.
  void stop() { stopping_ = true; }

 private:
  explicit Loop(Clock& clock);
  void run_posted();
  void run_timers();
  int timeout_ms();

  Clock& clock_;
  Fd epoll_;
  Fd wake_;
  Fd signals_;
  std::map<int, std::shared_ptr<Handler>> handlers_;
  std::map<std::pair<Instant, TimerId>, Task> timers_;
  std::map<TimerId, Instant> timer_due_;
  TimerId next_timer_ = 1;
  bool stopping_ = false;
  PriorityMutex posted_mutex_;
  std::deque<Task> posted_;
};

}  // namespace berth::sys
