#include "http/departures.h"

#include "sys/tcp.h"

#include <sys/epoll.h>

#include <array>
#include <utility>

namespace berth::http {
namespace {

constexpr size_t kDroppedAtOnce = 16 * 1024;

}  // namespace

Departures::~Departures() {
  while (!leaving_.empty()) end(leaving_.begin()->first);
}

void Departures::take(sys::Fd connection) {
  if (limits_.count == 0 || !sys::shut_down_sending(connection.get())) return;
  if (leaving_.size() >= limits_.count) end(leaving_.begin()->first);
  uint64_t id = next_id_++;
  if (!loop_.watch(connection.get(), EPOLLIN, [this, id](uint32_t) { hear(id); })) return;
  auto deadline = loop_.after(kDepartureMax, [this, id] { end(id); });
  leaving_.emplace(id, Leaving{std::move(connection), limits_.bytes, deadline});
}

void Departures::hear(uint64_t id) {
  Leaving& leaving = leaving_.at(id);
  std::array<char, kDroppedAtOnce> dropped;  // NOLINT: filled by the kernel
  auto moved = sys::receive_some(leaving.fd.get(), dropped.data(), dropped.size());
  if (!moved || moved->ended || moved->bytes > leaving.bytes_left) return end(id);
  leaving.bytes_left -= moved->bytes;
}

void Departures::end(uint64_t id) {
  auto found = leaving_.find(id);
  loop_.cancel(found->second.deadline);
  loop_.unwatch(found->second.fd.get());
  leaving_.erase(found);
}

}  // namespace berth::http
