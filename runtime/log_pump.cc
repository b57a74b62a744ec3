#include "runtime/log_pump.h"

#include "base/log.h"
#include "runtime/log_driver.h"
#include "runtime/log_lines.h"
#include "runtime/log_losses.h"
#include "sys/file.h"
#include "sys/fork.h"
#include "sys/wait.h"

#include <array>
#include <csignal>
#include <memory>
#include <optional>
#include <utility>

namespace berth::runtime {
namespace {

constexpr size_t kPumpChunk = 64 * 1024;
constexpr const char* kPumpName = "berth-log";
// A driver that has not opened by then will not; a file takes microseconds, a receiver may be far.
constexpr int kReadyPatienceMs = 10000;
constexpr size_t kReadyTextMax = 4096;
// How long the containers of a dead shim may take to die.
constexpr std::chrono::seconds kOrphanPatience(2);

// What the log process does.
class Pump {
 public:
  Pump(const LogPlan& plan, LogPump::Streams streams, int end, LogDriver& driver, Env env)
      : splitter_(plan.line_max),
        driver_(driver),
        env_(env),
        fds_{pollfd{streams.out, POLLIN, 0}, pollfd{streams.err, POLLIN, 0},
             pollfd{end, POLLIN, 0}},
        chunk_(kPumpChunk, '\0') {}

  void run() {
    while (fds_[0].fd >= 0 || fds_[1].fd >= 0) {
      auto ready = sys::wait_for(fds_, timeout_ms(), "log");
      if (!ready) break;
      if ((fds_[2].revents & POLLIN) != 0) break;
      if ((fds_[2].revents & POLLHUP) != 0) {
        fds_[2].fd = -1;
        orphaned_until_ = env_.clock.now() + kOrphanPatience;
      }
      for (LogStream stream : {LogStream::kStdout, LogStream::kStderr}) {
        if (pollfd& fd = of(stream); fd.revents != 0) (void)pump(stream);
      }
      losses_.note(driver_.tick(env_.clock.wall()));
      if (orphaned_until_ && env_.clock.now() >= *orphaned_until_) break;
    }
    drain();
    losses_.note(driver_.finish());
  }

 private:
  pollfd& of(LogStream stream) { return fds_[static_cast<size_t>(stream)]; }

  int timeout_ms() const {
    std::optional<Duration> left;
    if (auto due = driver_.due()) left = *due - env_.clock.wall();
    if (orphaned_until_) {
      Duration patience = *orphaned_until_ - env_.clock.now();
      left = left ? std::min(*left, patience) : patience;
    }
    if (!left) return -1;
    auto ms = std::chrono::ceil<std::chrono::milliseconds>(*left).count();
    return static_cast<int>(std::max<int64_t>(ms, 0));
  }

  // One read; false when there was nothing to read.
  bool pump(LogStream stream) {
    pollfd& fd = of(stream);
    auto got = sys::read_some(fd.fd, chunk_.data(), chunk_.size());
    if (!got && got.error().errno_value == EAGAIN) return false;
    if (!got || *got == 0) {
      fd.fd = -1;
      finish(stream);
      return false;
    }
    auto bytes = std::string_view(chunk_).substr(0, *got);
    deliver(splitter_.take(stream, bytes, env_.clock.wall()));
    return true;
  }

  // What the pipes hold now.
  void drain() {
    for (LogStream stream : {LogStream::kStdout, LogStream::kStderr}) {
      if (of(stream).fd < 0) continue;
      while (pump(stream)) {
      }
      finish(stream);
    }
  }

  void finish(LogStream stream) {
    auto rest = splitter_.finish(stream, env_.clock.wall());
    if (rest) deliver({std::move(*rest)});
  }

  void deliver(std::vector<LogEntry> entries) {
    if (!entries.empty()) losses_.note(driver_.write(std::move(entries)));
  }

  LineSplitter splitter_;
  LogDriver& driver_;
  Env env_;
  std::array<pollfd, 3> fds_;  // by LogStream; `end`
  std::string chunk_;
  LogLosses losses_;
  std::optional<Instant> orphaned_until_;
};

int run_log_process(const LogPlan& plan, LogPump::Streams streams, int end, sys::Fd ready,
                    Env env) {
  auto driver = make_log_driver(plan, LogEnd(end), env);
  if (!driver) {
    auto told = sys::write_all(ready.get(), driver.error().text);
    if (!told) LOG(kError, "log driver not opened", {{"why", driver.error().text}});
    return 1;
  }
  ready.reset();
  Pump(plan, streams, end, **driver, env).run();
  return 0;
}

// Empty when the driver has been opened.
Result<std::string> wait_until_ready(int ready) {
  std::array<pollfd, 1> told = {pollfd{ready, POLLIN, 0}};
  if (TRY(sys::wait_for(told, kReadyPatienceMs, "log driver")) == 0) {
    return fail(Errc::kUnavailable, "not ready within {} seconds", kReadyPatienceMs / 1000);
  }
  return sys::read_all(ready, kReadyTextMax);
}

}  // namespace

struct LogPump::Started {
  LogPump pump;
  sys::Fd ready;  // closed by the other end, or why not
};

Result<LogPump::Started> LogPump::fork_pump(const LogPlan& plan, Streams streams, Env env) {
  TRY(sys::set_nonblocking(streams.out));
  if (streams.err >= 0) TRY(sys::set_nonblocking(streams.err));
  sys::Pipe end = TRY(sys::make_pipe());
  sys::Pipe ready = TRY(sys::make_pipe());
  sys::Fork fork;
  fork.name = kPumpName;
  fork.kept = {streams.out, end.read.get(), ready.write.get()};
  if (streams.err >= 0) fork.kept.push_back(streams.err);
  fork.run = [&] {
    return run_log_process(plan, streams, end.read.get(), std::move(ready.write), env);
  };
  sys::Process process = TRY(sys::fork_child(fork));  // by itself: the child must see `end`
  return Started{LogPump(std::move(process), std::move(end)), std::move(ready.read)};
}

Result<LogPump> LogPump::start_again(const LogPlan& plan, Streams streams, Env env) {
  Started started = TRY(fork_pump(plan, streams, env));
  return std::move(started.pump);
}

Result<LogPump> LogPump::start(const LogPlan& plan, Streams streams, Env env) {
  Started started = TRY(fork_pump(plan, streams, env));
  LogPump& pump = started.pump;
  auto text = wait_until_ready(started.ready.get());
  if (text && text->empty()) return std::move(pump);
  pump.kill();
  if (!text) return wrap(std::move(text).error(), "failed to initialize logging driver");
  return fail(Errc::kUnavailable, "failed to initialize logging driver: {}", *text);
}

void LogPump::container_ended() {
  if (!end_.write) return;
  (void)sys::write_all(end_.write.get(), "e");  // an empty pipe of ours takes it
  end_.write.reset();
}

bool LogPump::ends_within(std::chrono::milliseconds patience) const {
  auto ended = sys::ends_within(process_, patience);
  return ended && *ended;
}

bool LogPump::reap() {
  auto status = sys::wait(process_);
  bool well = status && status->code == 0 && status->signal == 0;
  if (!well) LOG(kError, "log process died", {{"pid", process_.pid}});
  process_ = {};
  return well;
}

void LogPump::kill() {
  auto sent = sys::send_signal(process_, SIGKILL);
  if (!sent) LOG(kWarn, "log process not killed", {{"why", sent.error().text}});
  // One that waits for a disk dies when the disk answers: it is not waited for.
  if (ends_within(std::chrono::milliseconds(100))) (void)sys::wait(process_);
  process_ = {};
}

}  // namespace berth::runtime
