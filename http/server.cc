#include "http/server.h"

#include "base/log.h"
#include "http/request_reader.h"
#include "http/websocket.h"
#include "sys/tcp.h"

#include <sys/epoll.h>

#include <array>

namespace berth::http {
namespace {

constexpr size_t kReadChunk = 16 * 1024;
// After an error (no descriptors, say), and when all that are taken are in use.
constexpr Duration kAcceptPause = std::chrono::seconds(1);

}  // namespace

struct Server::Connection {
  enum class State { kReading, kAnswering, kWriting };
  explicit Connection(size_t body_max) : reader(body_max) {}
  sys::Fd fd;
  size_t listener = 0;
  State state = State::kReading;
  RequestReader reader;
  std::string out;  // the answer
  size_t sent = 0;  // of it
  std::string method;
  // Of what follows the answer, when that is no HTTP any more.
  std::function<void(sys::Fd, std::string)> taker;
  bool asked_for_body = false;  // of the request that is being read
  bool is_refused = false;      // the rest of its request may be on its way
  // Since this round of its listener it has had nothing to say; 0: nobody has asked yet.
  uint64_t spare_round = 0;
  After after = After::kGoOn;
  sys::Loop::TimerId deadline = 0;
};

Server::Server(sys::Loop& loop, Clock& clock, Handler handler, Limits limits)
    : loop_(loop),
      clock_(clock),
      handler_(std::move(handler)),
      limits_(limits),
      departures_(loop, {.count = limits.connections, .bytes = 2 * limits.body_bytes}) {}

Server::~Server() {
  for (size_t place = 0; place < listeners_.size(); ++place) unwatch_listener(place);
  for (auto& [id, connection] : connections_) {
    loop_.cancel(connection->deadline);
    loop_.unwatch(connection->fd.get());
  }
}

Status Server::listen(sys::Fd listener) {
  TRY(sys::set_nonblocking(listener.get()));
  listeners_.push_back({.fd = std::move(listener)});
  return watch_listener(listeners_.size() - 1);
}

std::vector<int> Server::listeners() const {
  std::vector<int> fds;
  for (const Listener& listener : listeners_) fds.push_back(listener.fd.get());
  return fds;
}

Status Server::watch_listener(size_t place) {
  listeners_[place].watched = true;
  return loop_.watch(listeners_[place].fd.get(), EPOLLIN,
                     [this, place](uint32_t) { accept(place); });
}

void Server::unwatch_listener(size_t place) {
  if (!listeners_[place].watched) return;
  listeners_[place].watched = false;
  loop_.unwatch(listeners_[place].fd.get());
}

void Server::accept(size_t place) {
  bool is_full = listeners_[place].connections >= limits_.connections;
  if (is_full && !make_room(place)) return accept_later(place);
  auto fd = sys::accept_tcp(listeners_[place].fd.get());
  if (fd && !*fd) return;
  Status adopted = fd ? adopt(std::move(*fd), place) : tl::unexpected<Error>(fd.error());
  if (!adopted) {
    LOG(kWarn, "a connection is not taken", {{"why", adopted.error().text}});
    accept_later(place);
  }
}

void Server::accept_later(size_t place) {
  unwatch_listener(place);
  if (listeners_[place].pauses) return;
  listeners_[place].pauses = true;
  std::weak_ptr<Server*> self = self_;
  loop_.after(kAcceptPause, [self, place] {
    auto server = self.lock();
    if (!server || place >= (*server)->listeners_.size()) return;
    Listener& listener = (*server)->listeners_[place];
    listener.pauses = false;
    ++listener.round;
    if (!listener.watched) (void)(*server)->watch_listener(place);  // it was watched before
  });
}

// Closes a connection that has had nothing to say for a whole pause since there was no room: its
// client may be about to send. That others end meanwhile ends no pause.
bool Server::make_room(size_t place) {
  const Listener& listener = listeners_[place];
  for (auto& [id, connection] : connections_) {
    bool is_spare = connection->listener == place && connection->spare_round != 0 &&
                    connection->spare_round < listener.round;
    if (!is_spare || !is_idle(*connection)) continue;
    depart(id);
    return true;
  }
  // Who is found in the middle of a pause has the next one.
  uint64_t round = listener.round + (listener.pauses ? 1 : 0);
  for (auto& [id, connection] : connections_) {
    bool is_new = connection->listener == place && connection->spare_round == 0;
    if (is_new && is_idle(*connection)) connection->spare_round = round;
  }
  return false;
}

bool Server::is_idle(const Connection& connection) {
  if (connection.state != Connection::State::kReading || !connection.reader.is_between()) {
    return false;
  }
  auto waiting = sys::peek(connection.fd.get());
  return !waiting || waiting->bytes == 0;
}

Status Server::adopt(sys::Fd fd, size_t place) {
  uint64_t id = next_id_++;
  auto connection = std::make_unique<Connection>(limits_.body_bytes);
  connection->fd = std::move(fd);
  connection->listener = place;
  TRY(loop_.watch(connection->fd.get(), EPOLLIN, [this, id](uint32_t) { hear(id); }));
  set_deadline(id, *connection);
  connections_.emplace(id, std::move(connection));
  ++listeners_[place].connections;
  return {};
}

void Server::hear(uint64_t id) {
  auto found = connections_.find(id);
  if (found == connections_.end()) return;
  Connection& connection = *found->second;
  switch (connection.state) {
    case Connection::State::kReading:
      return read_more(id, connection);
    case Connection::State::kWriting:
      return write_more(id, connection);
    case Connection::State::kAnswering:
      return close(id);  // it broke: nothing else is asked of the socket now
  }
}

void Server::read_more(uint64_t id, Connection& connection) {
  std::array<char, kReadChunk> chunk;  // NOLINT: filled by the kernel
  auto moved = sys::receive_some(connection.fd.get(), chunk.data(), chunk.size());
  if (!moved || moved->ended) return close(id);
  if (moved->bytes == 0) return;
  connection.spare_round = 0;
  // Who waited long with the next request has as much time to send it as others.
  if (connection.reader.is_between()) set_deadline(id, connection);
  connection.reader.add({chunk.data(), moved->bytes});
  take_request(id, connection);
}

void Server::take_request(uint64_t id, Connection& connection) {
  auto request = connection.reader.next();
  if (!request) return turn_away(id, connection, request.error());
  if (!*request) return ask_for_body(id, connection);
  hand_request(id, connection, **request);
}

void Server::hand_request(uint64_t id, Connection& connection, const Request& request) {
  connection.asked_for_body = false;
  connection.state = Connection::State::kAnswering;
  wait_for(id, connection, 0);  // to be told only that it broke: one may have sent all it has to
  After kept = request.is_old ? After::kGoOnAsAsked : After::kGoOn;
  connection.after = request.keep_alive ? kept : After::kClose;
  connection.method = request.method;
  // OPTIONS of the server as a whole: a question whether it is there (RFC 9110, 9.3.7).
  if (request.path == "*") return answer(id, {.status = 200, .content_type = ""});
  if (upgrade_ && asks_for_websocket(request)) return offer_upgrade(id, connection, request);
  if (stream_ && !request.is_old && offer_stream(id, connection, request)) return;
  std::weak_ptr<Server*> self = self_;
  handler_(request, connection.listener, [self, id](Response response) {
    if (auto server = self.lock()) (*server)->answer(id, std::move(response));
  });
}

void Server::turn_away(uint64_t id, Connection& connection, const Refusal& refusal) {
  connection.state = Connection::State::kAnswering;
  connection.after = After::kClose;
  connection.is_refused = true;
  connection.method.clear();
  answer(id, {.status = refusal.status, .content_type = "text/plain", .body = refusal.text + "\n"});
}

void Server::offer_upgrade(uint64_t id, Connection& connection, const Request& request) {
  auto offered = upgrade_(request, connection.listener);
  if (!offered) return answer(id, offered.error());
  switch_over(id, connection, std::move(*offered));
}

bool Server::offer_stream(uint64_t id, const Connection& connection, const Request& request) {
  std::weak_ptr<Server*> self = self_;
  return stream_(request, connection.listener, [self, id](tl::expected<Switch, Response> offered) {
    auto server = self.lock();
    if (!server) return;
    if (!offered) return (*server)->answer(id, offered.error());
    auto found = (*server)->connections_.find(id);
    bool waits = found != (*server)->connections_.end() &&
                 found->second->state == Connection::State::kAnswering;
    if (waits) (*server)->switch_over(id, *found->second, std::move(*offered));
  });
}

void Server::switch_over(uint64_t id, Connection& connection, Switch offered) {
  connection.out = std::move(offered.head);
  connection.taker = std::move(offered.take);
  connection.state = Connection::State::kWriting;
  set_deadline(id, connection);
  write_more(id, connection);
}

// Of a request that is not whole; its deadline stays.
void Server::ask_for_body(uint64_t id, Connection& connection) {
  if (connection.asked_for_body || !connection.reader.awaits_continue()) return;
  connection.asked_for_body = true;
  auto moved = sys::send_part(connection.fd.get(), kContinue);
  // So few bytes fit into a socket that waits for us, or nobody reads it.
  if (!moved || moved->bytes != kContinue.size()) close(id);
}

void Server::answer(uint64_t id, Response response) {
  auto found = connections_.find(id);
  if (found == connections_.end()) return;
  Connection& connection = *found->second;
  if (connection.state != Connection::State::kAnswering) return;  // it has been answered
  // Who has a clock must say the time (RFC 9110, 6.6.1).
  response.headers.try_emplace("Date", format_http_date(clock_.wall()));
  connection.out = render_response(response, connection.method, connection.after);
  connection.state = Connection::State::kWriting;
  set_deadline(id, connection);
  write_more(id, connection);
}

void Server::write_more(uint64_t id, Connection& connection) {
  auto rest = std::string_view(connection.out).substr(connection.sent);
  auto moved = sys::send_part(connection.fd.get(), rest);
  if (!moved || moved->ended) return close(id);
  connection.sent += moved->bytes;
  if (moved->bytes < rest.size()) return wait_for(id, connection, EPOLLOUT);
  std::string().swap(connection.out);  // connections are kept for long
  connection.sent = 0;
  if (connection.taker) return hand_over(id);
  if (connection.after == After::kClose) {
    // What nobody has read would make a reset of the end.
    auto waiting = sys::peek(connection.fd.get());
    bool has_sent = !connection.reader.is_between() || (waiting && waiting->bytes > 0);
    return connection.is_refused || has_sent ? depart(id) : close(id);
  }
  connection.state = Connection::State::kReading;
  set_deadline(id, connection);
  wait_for(id, connection, EPOLLIN);
  // A request that came with the one before makes no new event. Not from here: one that sends
  // thousands at once would have us call ourselves as often.
  if (connection.reader.is_between()) return;
  std::weak_ptr<Server*> self = self_;
  loop_.post([self, id] {
    auto server = self.lock();
    if (!server) return;
    auto again = (*server)->connections_.find(id);
    if (again == (*server)->connections_.end()) return;
    if (again->second->state != Connection::State::kReading) return;
    (*server)->take_request(id, *again->second);
  });
}

void Server::wait_for(uint64_t id, Connection& connection, uint32_t events) {
  auto watched = loop_.watch(connection.fd.get(), events, [this, id](uint32_t) { hear(id); });
  if (!watched) LOG(kWarn, "a connection is not watched", {{"why", watched.error().text}});
}

void Server::set_deadline(uint64_t id, Connection& connection) {
  loop_.cancel(connection.deadline);
  connection.deadline = loop_.after(limits_.patience, [this, id] { run_out(id); });
}

void Server::run_out(uint64_t id) {
  auto found = connections_.find(id);
  if (found == connections_.end()) return;
  Connection& connection = *found->second;
  switch (connection.state) {
    case Connection::State::kAnswering:
      return;  // the peer is not late, we are
    case Connection::State::kWriting:
      return close(id);
    case Connection::State::kReading:
      break;
  }
  if (is_idle(connection)) return depart(id);
  // What has come a moment ago will be heard of in the same turn of the loop.
  if (connection.reader.is_between()) return set_deadline(id, connection);
  turn_away(id, connection, {408, "the request did not come in time"});
}

void Server::hand_over(uint64_t id) {
  auto connection = let_go(id);
  connection->taker(std::move(connection->fd), connection->reader.take_rest());
}

std::unique_ptr<Server::Connection> Server::let_go(uint64_t id) {
  auto found = connections_.find(id);
  if (found == connections_.end()) return nullptr;
  auto connection = std::move(found->second);
  connections_.erase(found);
  loop_.cancel(connection->deadline);
  loop_.unwatch(connection->fd.get());
  size_t place = connection->listener;
  if (place < listeners_.size()) {
    --listeners_[place].connections;
    if (!listeners_[place].watched) (void)watch_listener(place);  // it was watched before
  }
  return connection;
}

void Server::close(uint64_t id) {
  (void)let_go(id);  // the descriptor goes with it
}

void Server::depart(uint64_t id) {
  if (auto connection = let_go(id)) departures_.take(std::move(connection->fd));
}

}  // namespace berth::http
