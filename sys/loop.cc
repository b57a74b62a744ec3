#include "sys/loop.h"

#include "sys/call.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <limits>
#include <mutex>

namespace berth::sys {

Loop::Loop(Clock& clock) : clock_(clock) {}
Loop::~Loop() = default;

Result<std::unique_ptr<Loop>> Loop::make(Clock& clock) {
  std::unique_ptr<Loop> loop(new Loop(clock));
  loop->epoll_ = Fd(TRY(call("epoll_create1", "", [] { return ::epoll_create1(EPOLL_CLOEXEC); })));
  loop->wake_ =
      Fd(TRY(call("eventfd", "", [] { return ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); })));
  Loop* self = loop.get();
  TRY(loop->watch(loop->wake_.get(), EPOLLIN, [self](uint32_t) {
    uint64_t count = 0;
    (void)!::read(self->wake_.get(), &count, sizeof(count));  // empties the counter; may be empty
  }));
  return loop;
}

Status Loop::watch(int fd, uint32_t events, Handler handler) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  int operation = handlers_.contains(fd) ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
  TRY(sys::run("epoll_ctl", "", [&] { return ::epoll_ctl(epoll_.get(), operation, fd, &event); }));
  handlers_[fd] = std::make_shared<Handler>(std::move(handler));
  return {};
}

void Loop::unwatch(int fd) {
  if (handlers_.erase(fd) == 0) return;
  (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);  // gone already if fd was closed
}

Loop::TimerId Loop::after(Duration delay, Task task) {
  TimerId id = next_timer_++;
  Instant due = clock_.now() + delay;
  timers_.emplace(std::pair(due, id), std::move(task));
  timer_due_.emplace(id, due);
  return id;
}

void Loop::cancel(TimerId id) {
  auto due = timer_due_.find(id);
  if (due == timer_due_.end()) return;
  timers_.erase({due->second, id});
  timer_due_.erase(due);
}

Status Loop::on_signals(const std::vector<int>& signals, std::function<void(int)> handler) {
  sigset_t set;
  sigemptyset(&set);
  for (int signal : signals) sigaddset(&set, signal);
  TRY(sys::run("sigprocmask", "", [&] { return ::sigprocmask(SIG_BLOCK, &set, nullptr); }));
  signals_ = Fd(
      TRY(call("signalfd", "", [&] { return ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK); })));
  return watch(signals_.get(), EPOLLIN, [this, handler = std::move(handler)](uint32_t) {
    signalfd_siginfo info{};
    while (::read(signals_.get(), &info, sizeof(info)) == sizeof(info)) {
      handler(static_cast<int>(info.ssi_signo));
    }
  });
}

void Loop::post(Task task) {
  {
    std::lock_guard lock(posted_mutex_);
    posted_.push_back(std::move(task));
  }
  uint64_t one = 1;
  (void)!::write(wake_.get(), &one, sizeof(one));  // EAGAIN: the loop has been woken already
}

Status Loop::run() {
  constexpr int kEventsMax = 64;
  std::array<epoll_event, kEventsMax> events{};
  stopping_ = false;
  while (!stopping_) {
    run_posted();
    run_timers();
    if (stopping_) break;
    int timeout = timeout_ms();
    long ready = TRY(call("epoll_wait", "", [&] {
      return ::epoll_wait(epoll_.get(), events.data(), kEventsMax, timeout);
    }));
    for (long i = 0; i < ready && !stopping_; ++i) {
      auto found = handlers_.find(events[static_cast<size_t>(i)].data.fd);
      if (found == handlers_.end()) continue;  // unwatched by an earlier handler of this round
      std::shared_ptr<Handler> handler = found->second;  // keeps it alive if it unwatches itself
      (*handler)(events[static_cast<size_t>(i)].events);
    }
  }
  return {};
}

std::optional<Instant> Loop::next_timer() const {
  if (timers_.empty()) return std::nullopt;
  return timers_.begin()->first.first;
}

void Loop::run_posted() {
  std::deque<Task> tasks;
  {
    std::lock_guard lock(posted_mutex_);
    tasks.swap(posted_);
  }
  for (Task& task : tasks) task();
}

void Loop::run_timers() {
  while (!timers_.empty() && timers_.begin()->first.first <= clock_.now()) {
    auto node = timers_.extract(timers_.begin());
    timer_due_.erase(node.key().second);
    node.mapped()();
  }
}

int Loop::timeout_ms() {
  {
    std::lock_guard lock(posted_mutex_);
    if (!posted_.empty()) return 0;
  }
  if (timers_.empty()) return -1;
  Duration left = timers_.begin()->first.first - clock_.now();
  if (left <= Duration::zero()) return 0;
  auto ms = std::chrono::ceil<std::chrono::milliseconds>(left).count();
  return static_cast<int>(std::min<int64_t>(ms, std::numeric_limits<int>::max()));
}

}  // namespace berth::sys
