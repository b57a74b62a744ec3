// Loading a seccomp filter, and what the kernel can do with one.
#pragma once

#include <cstdint>
#include <vector>

struct sock_filter;

namespace berth::sys {

// One bit per action that the kernel knows (SECCOMP_GET_ACTION_AVAIL), in the order of
// kill_process, kill_thread, trap, errno, user_notif, trace, log, allow. A compiled filter is good
// for one such set.
uint32_t seccomp_actions();

// seccomp(2) SECCOMP_SET_MODE_FILTER. Async-signal-safe: -1 and errno on failure.
int raw_load_seccomp(const sock_filter* filter, unsigned short length, unsigned flags);

}  // namespace berth::sys
