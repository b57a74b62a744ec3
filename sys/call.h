// The one choke point of system calls: error text, optional trace, and in test builds "fail the
// Nth call with errno E".
//
//   Fd fd(TRY(sys::call("openat2", path, [&] { return syscall(SYS_openat2, ...); })));
//
// Not for use between clone3 and execve: it may allocate. The child side of runtime/ has its own,
// allocation-free form over the same fault counter (`fault_now`).
#pragma once

#include "base/result.h"

#include <cerrno>
#include <string_view>

namespace berth::sys {

// errno to pretend for this call, or 0. Controlled by the environment variable
// BERTH_FAULT="N:ERRNO[:FD]" (the Nth call from the start of the process fails, N counts from 1; a
// child of ours counts on from its birth), in builds with BERTH_FAULTS. A byte is written to FD, so
// that tests know when a run is too short to reach N. Async-signal-safe.
int fault_now();

// Prints "berth: trace: operation detail = value (reason)" to standard error when BERTH_TRACE is
// set.
void trace(const char* operation, std::string_view detail, long value, int errno_value);

// Runs `f`, which returns -1 and sets errno on failure; retries EINTR. Error text:
// "operation detail: reason".
template <class F>
Result<long> call(const char* operation, std::string_view detail, F&& f) {
  long value = -1;
  int error = fault_now();
  if (error == 0) {
    do {
      value = static_cast<long>(f());
      error = value == -1 ? errno : 0;
    } while (error == EINTR);
  }
  trace(operation, detail, value, error);
  if (error != 0) {
    if (detail.empty()) return fail_errno(error, "{}", operation);
    return fail_errno(error, "{} {}", operation, detail);
  }
  return value;
}

// The same for calls whose value does not matter.
template <class F>
Status run(const char* operation, std::string_view detail, F&& f) {
  auto value = call(operation, detail, std::forward<F>(f));
  if (!value) return tl::unexpected<Error>(std::move(value).error());
  return {};
}

}  // namespace berth::sys
