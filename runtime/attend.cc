#include "runtime/attend.h"

#include "sys/call.h"

#include <csignal>

namespace berth::runtime {

void block_signals() {
  sigset_t all;
  sigfillset(&all);
  (void)::sigprocmask(SIG_BLOCK, &all, nullptr);  // fails only for an argument that is not ours
}

Result<int> attend(const sys::Process& process) {
  sigset_t signals;
  sigfillset(&signals);
  while (true) {
    auto ended = TRY(sys::try_wait(process.pid));
    if (ended) return ended->shell_code();
    int signal = static_cast<int>(
        TRY(sys::call("sigwaitinfo", "", [&] { return ::sigwaitinfo(&signals, nullptr); })));
    if (signal != SIGCHLD) TRY(sys::send_signal(process, signal));
  }
}

}  // namespace berth::runtime
