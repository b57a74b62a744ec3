#include "sys/seccomp.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>

namespace berth::sys {

uint32_t seccomp_actions() {
  constexpr std::array<uint32_t, 8> kActions{
      SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD, SECCOMP_RET_TRAP, SECCOMP_RET_ERRNO,
      SECCOMP_RET_USER_NOTIF,   SECCOMP_RET_TRACE,       SECCOMP_RET_LOG,  SECCOMP_RET_ALLOW};
  uint32_t known = 0;
  for (size_t i = 0; i < kActions.size(); ++i) {
    uint32_t action = kActions[i];
    // Not through sys::call: "no" is an answer here, not a failure.
    if (::syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0) known |= 1u << i;
  }
  return known;
}

int raw_load_seccomp(const sock_filter* filter, unsigned short length, unsigned flags) {
  sock_fprog program{.len = length, .filter = const_cast<sock_filter*>(filter)};
  return static_cast<int>(::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program));
}

}  // namespace berth::sys
