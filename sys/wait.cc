#include "sys/wait.h"

#include "sys/call.h"

#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace berth::sys {

Result<long> wait_for(std::span<pollfd> descriptors, int timeout_ms, std::string_view what) {
  return call("poll", what,
              [&] { return ::poll(descriptors.data(), descriptors.size(), timeout_ms); });
}

void block_signals() {
  sigset_t all;
  sigfillset(&all);
  (void)::sigprocmask(SIG_BLOCK, &all, nullptr);  // fails only for an argument that is not ours
}

Result<Fd> open_signals() {
  sigset_t all;
  sigfillset(&all);
  return Fd(TRY(call("signalfd", "", [&] { return ::signalfd(-1, &all, SFD_CLOEXEC); })));
}

Result<int> read_signal(int signals) {
  signalfd_siginfo info{};
  TRY(call("read", "signalfd", [&] { return ::read(signals, &info, sizeof(info)); }));
  return static_cast<int>(info.ssi_signo);
}

void signal_pid(pid_t pid, int signal) {
  (void)::kill(pid, signal);  // ESRCH: it is gone
}

void reap(pid_t child) {
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace berth::sys
