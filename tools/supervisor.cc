#include "tools/supervisor.h"

#include "base/log.h"
#include "base/text.h"
#include "sys/notify.h"

namespace berth::tools {

Supervisor::Supervisor(const aws::Environment& environment, sys::Loop& loop)
    : socket_(aws::value_of(environment, "NOTIFY_SOCKET")), loop_(loop) {
  auto microseconds = parse_u64(aws::value_of(environment, "WATCHDOG_USEC"));
  constexpr uint64_t kLongest = 24ull * 3600 * 1'000'000;
  if (microseconds && *microseconds <= kLongest) {
    watchdog_ = std::chrono::microseconds(*microseconds);
  }
}

void Supervisor::ready() {
  tell("READY=1");
  if (watchdog_ > Duration(0)) tell_alive();
}

void Supervisor::stopping() {
  tell("STOPPING=1");
}

void Supervisor::tell_alive() {
  tell("WATCHDOG=1");
  loop_.after(watchdog_ / 2, [this] { tell_alive(); });
}

void Supervisor::tell(std::string_view state) {
  if (socket_.empty()) return;
  auto told = sys::notify_supervisor(socket_, state);
  if (!told) LOG(kWarn, "the supervisor is not reached", {{"why", told.error().text}});
}

}  // namespace berth::tools
