#include "runtime/shim_audience.h"

#include "base/log.h"
#include "sys/file.h"
#include "sys/socket.h"

#include <sys/epoll.h>

#include <utility>

namespace berth::runtime {

Status ShimAudience::listen(const std::string& path) {
  listener_ = TRY(sys::listen_unix(path));
  return loop_.watch(listener_.get(), EPOLLIN, [this](uint32_t) { accept(); });
}

Status ShimAudience::adopt(sys::Fd connection) {
  int fd = connection.get();
  TRY(sys::set_nonblocking(fd));
  TRY(loop_.watch(fd, EPOLLIN, [this, fd](uint32_t) { hear(fd); }));
  connections_.emplace(fd, std::move(connection));
  return {};
}

void ShimAudience::accept() {
  auto connection = sys::accept_unix(listener_.get());
  if (!connection) return;  // it has gone again
  // Non-blocking first: one that does not listen loses its connection, not our time.
  if (!sys::set_nonblocking(connection->get())) return;
  for (const Told& told : history_) {
    if (!sys::send_message(connection->get(), told.text, {})) return;
  }
  std::string end =
      render_event({.kind = ShimEvent::Kind::kUpToDate, .at = format_rfc3339(env_.clock.wall())});
  if (!sys::send_message(connection->get(), end, {})) return;
  (void)adopt(std::move(*connection));  // an agent that cannot be heard connects again
}

void ShimAudience::hear(int connection) {
  auto message = sys::receive_message(connection);
  if (!message && message.error().code == Errc::kUnavailable) return;
  if (!message || message->bytes.empty()) return lose(connection);
  auto order = parse_order(message->bytes);
  if (!order) {
    LOG(kWarn, "request not understood", {{"why", order.error().text}});
    return;
  }
  handlers_.order(connection, *order, std::move(message->fds));
}

void ShimAudience::lose(int connection) {
  loop_.unwatch(connection);
  connections_.erase(connection);
  handlers_.left(connection);
}

void ShimAudience::tell(const ShimEvent& event) {
  std::string text = render_event(event);
  // These may come for ever: only the last of a container is history.
  if (event.kind == ShimEvent::Kind::kContainerHealth ||
      event.kind == ShimEvent::Kind::kContainerRestarted) {
    std::erase_if(history_, [&](const Told& told) {
      return told.kind == event.kind && told.container == event.container;
    });
  }
  history_.push_back({event.kind, event.container, text});
  for (const auto& [fd, connection] : connections_) {
    (void)sys::send_message(fd, text, {});  // one that is gone is noticed by hear()
  }
}

void ShimAudience::tell_one(int connection, const ShimEvent& event) {
  if (!connections_.contains(connection)) return;
  (void)sys::send_message(connection, render_event(event), {});
}

void ShimAudience::hand(int connection, const ShimEvent& event, const std::vector<int>& fds) {
  auto sent = sys::send_message(connection, render_event(event), fds);
  if (!sent) lose(connection);
}

}  // namespace berth::runtime
