#include "sys/call.h"

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <unistd.h>

namespace berth::sys {
namespace {

bool tracing() {
  static const bool on = std::getenv("BERTH_TRACE") != nullptr;
  return on;
}

}  // namespace

#ifdef BERTH_FAULTS

namespace {

// BERTH_FAULT="N:kill[:FD]": the process dies of SIGKILL instead of making the Nth call.
constexpr int kDies = -1;

struct Fault {
  long nth = 0;
  int errno_value = 0;  // kDies: no error but the end
  int witness = -1;
};

// Read before main() so that the first call after a clone needs no getenv.
Fault read_fault() {
  const char* text = std::getenv("BERTH_FAULT");
  Fault fault;
  if (text == nullptr) return fault;
  char* colon = nullptr;
  fault.nth = std::strtol(text, &colon, 10);
  constexpr const char* kKill = ":kill";
  if (std::strncmp(colon, kKill, std::strlen(kKill)) == 0) {
    fault.errno_value = kDies;
    colon += std::strlen(kKill);
  } else if (*colon == ':') {
    fault.errno_value = static_cast<int>(std::strtol(colon + 1, &colon, 10));
  }
  if (*colon == ':') fault.witness = static_cast<int>(std::strtol(colon + 1, nullptr, 10));
  return fault;
}

const Fault kFault = read_fault();
std::atomic<long> call_count{0};

}  // namespace

int fault_now() {
  if (kFault.nth == 0) return 0;
  if (++call_count != kFault.nth) return 0;
  if (kFault.witness >= 0) (void)!::write(kFault.witness, "!", 1);  // nothing to do without it
  if (kFault.errno_value == kDies) {
    ::kill(::getpid(), SIGKILL);
    ::pause();  // the signal may reach another thread first; this one makes no further call
  }
  return kFault.errno_value;
}

#else

int fault_now() {
  return 0;
}

#endif

void trace(const char* operation, std::string_view detail, long value, int errno_value) {
  if (!tracing()) return;
  if (errno_value == 0) {
    std::fprintf(stderr, "berth: trace: %s %.*s = %ld\n", operation,
                 static_cast<int>(detail.size()), detail.data(), value);
  } else {
    std::fprintf(stderr, "berth: trace: %s %.*s = -1 (%s)\n", operation,
                 static_cast<int>(detail.size()), detail.data(), std::strerror(errno_value));
  }
}

}  // namespace berth::sys
