// berth-init -- PROGRAM [ARGUMENT ...]: process 1 of a container with initProcessEnabled. The
// kernel gives process 1 two duties that few programs know of: to reap orphans, and to handle
// signals that would end any other process by default. This one does both and is gone with its
// program, whose exit code it hands on (128 + n for signal n; 127 when it cannot be executed).
#include "sys/clock.h"
#include "sys/loop.h"
#include "sys/spawn.h"

#include <csignal>
#include <cstdio>
#include <cstring>

namespace berth {
namespace {

constexpr int kCannotExecute = 127;

// Every signal that can be handed on. Those that the kernel sends for a fault of our own are not.
std::vector<int> signals_to_forward() {
  std::vector<int> signals;
  for (int signal = 1; signal <= SIGRTMAX; ++signal) {
    bool ours = signal == SIGSEGV || signal == SIGBUS || signal == SIGFPE || signal == SIGILL ||
                signal == SIGABRT || signal == SIGTRAP || signal == SIGSYS;
    bool blocked = signal == SIGKILL || signal == SIGSTOP || (signal > SIGSYS && signal < SIGRTMIN);
    if (!ours && !blocked) signals.push_back(signal);
  }
  return signals;
}

class Init {
 public:
  Init(sys::Loop& loop, sys::Program program) : loop_(loop), program_(std::move(program)) {}

  Result<int> run() {
    TRY(loop_.on_signals(signals_to_forward(), [this](int signal) { handle(signal); }));
    child_ = TRY(sys::spawn(program_));
    TRY(loop_.run());
    return exit_code_;
  }

 private:
  void handle(int signal) {
    if (signal != SIGCHLD) return forward(signal);
    while (true) {
      auto reaped = sys::reap_any();
      if (!reaped || !*reaped) return;
      if ((*reaped)->pid != child_.pid) continue;  // an orphan
      exit_code_ = (*reaped)->status.shell_code();
      return loop_.stop();
    }
  }

  void forward(int signal) {
    auto sent = sys::send_signal(child_, signal);
    if (!sent) std::fprintf(stderr, "berth-init: %s\n", sent.error().text.c_str());
  }

  sys::Loop& loop_;
  sys::Program program_;
  sys::Process child_;
  int exit_code_ = kCannotExecute;
};

Result<int> run(int count, char** words) {
  sys::Program program;
  program.path = words[0];
  program.arguments.assign(words, words + count);
  program.descriptors = {{0, 0}, {1, 1}, {2, 2}};
  sys::SystemClock clock;
  auto loop = TRY(sys::Loop::make(clock));
  return Init(*loop, std::move(program)).run();
}

}  // namespace
}  // namespace berth

int main(int argc, char** argv) {
  if (argc < 3 || std::strcmp(argv[1], "--") != 0) {
    std::fputs("usage: berth-init -- PROGRAM [ARGUMENT ...]\n", stderr);
    return 2;
  }
  auto code = berth::run(argc - 2, argv + 2);
  if (code) return *code;
  std::fprintf(stderr, "berth-init: %s\n", code.error().text.c_str());
  return berth::kCannotExecute;
}
