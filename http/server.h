// Server: HTTP/1.1 on listening sockets of others, on a loop. One request of a connection at a
// time, answered whenever its reply is called; connections are kept.
//
//   accept > [read > handler ... reply > write] again > close
//                 > upgrade handler > write the head > another protocol's
//
// What a peer can cost: so many connections of a socket as Limits say, the limits of http/message.h
// for each, and so much time to send a request, to take its answer or to begin the next. Further
// connections wait in the kernel's queue until one ends, or for a second where others have nothing
// to say: those are closed, the oldest first, for clients keep more of them than they need.
//
// A connection that we end while its peer may be sending is ended in two steps (http/departures.h),
// and none whose next request has come already is taken for idle.
#pragma once

#include "base/env.h"
#include "http/departures.h"
#include "http/message.h"
#include "sys/fd.h"
#include "sys/loop.h"

#include <tl/expected.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace berth::http {

constexpr size_t kConnectionsMax = 64;  // of one socket
constexpr Duration kPatience = std::chrono::seconds(5);

struct Limits {
  size_t connections = kConnectionsMax;
  size_t body_bytes = kBodyMax;
  Duration patience = kPatience;
};

class Server {
 public:
  // Answers one request; at any time, on the loop's thread. Once: a second call, and one after the
  // peer has gone, do nothing.
  using Reply = std::function<void(Response)>;
  // `listener`: the place of the socket, as listen() was called. Must not block.
  using Handler = std::function<void(const Request& request, size_t listener, Reply reply)>;

  // A request for a WebSocket connection (RFC 9110 section 7.8) that is taken: the head of the
  // answer, and who gets the connection behind it, non-blocking, with what the peer has sent since.
  struct Switch {
    std::string head;
    std::function<void(sys::Fd connection, std::string early)> take;
  };
  using UpgradeHandler =
      std::function<tl::expected<Switch, Response>(const Request& request, size_t listener)>;

  // A request whose answer may be a stream. True: it is the handler's, who replies as others do, or
  // with what comes before the stream and who gets the connection for it.
  using StreamReply = std::function<void(tl::expected<Switch, Response>)>;
  using StreamHandler =
      std::function<bool(const Request& request, size_t listener, StreamReply reply)>;

  // `loop` and `clock` are borrowed; the clock is for the Date of answers that have none.
  Server(sys::Loop& loop, Clock& clock, Handler handler, Limits limits);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();

  // A listening stream socket, TCP or unix.
  Status listen(sys::Fd listener);
  // Those that may still bring a request or take an answer.
  size_t connections() const { return connections_.size(); }
  // The listening sockets, borrowed.
  std::vector<int> listeners() const;
  // Without one, such a request is one like others.
  void on_upgrade(UpgradeHandler handler) { upgrade_ = std::move(handler); }
  // It is asked before the handler of other requests, but not by clients of HTTP/1.0.
  void on_stream(StreamHandler handler) { stream_ = std::move(handler); }

 private:
  struct Connection;
  struct Listener {
    sys::Fd fd;
    size_t connections = 0;
    bool watched = false;
    bool pauses = false;  // a timer will watch it
    uint64_t round = 1;   // of pauses
  };

  Status watch_listener(size_t place);
  void unwatch_listener(size_t place);
  void accept(size_t place);
  void accept_later(size_t place);
  bool make_room(size_t place);
  Status adopt(sys::Fd fd, size_t place);
  void hear(uint64_t id);
  void read_more(uint64_t id, Connection& connection);
  void ask_for_body(uint64_t id, Connection& connection);
  // Takes the next whole request out of what has come.
  void take_request(uint64_t id, Connection& connection);
  void hand_request(uint64_t id, Connection& connection, const Request& request);
  // Answers instead of the handler, and ends the connection.
  void turn_away(uint64_t id, Connection& connection, const Refusal& refusal);
  void answer(uint64_t id, Response response);
  void write_more(uint64_t id, Connection& connection);
  void wait_for(uint64_t id, Connection& connection, uint32_t events);
  void set_deadline(uint64_t id, Connection& connection);
  void run_out(uint64_t id);
  // Whether it may be closed as one that has nothing to say: one whose request has come is not.
  static bool is_idle(const Connection& connection);
  void offer_upgrade(uint64_t id, Connection& connection, const Request& request);
  bool offer_stream(uint64_t id, const Connection& connection, const Request& request);
  void switch_over(uint64_t id, Connection& connection, Switch offered);
  void hand_over(uint64_t id);
  // It is not ours any more; empty when it has gone.
  std::unique_ptr<Connection> let_go(uint64_t id);
  void close(uint64_t id);
  // The same where the peer may be sending.
  void depart(uint64_t id);

  sys::Loop& loop_;
  Clock& clock_;
  Handler handler_;
  UpgradeHandler upgrade_;
  StreamHandler stream_;
  Limits limits_;
  Departures departures_;
  std::vector<Listener> listeners_;
  std::map<uint64_t, std::unique_ptr<Connection>> connections_;
  uint64_t next_id_ = 1;
  // Replies may outlive us: they hold a weak pointer.
  std::shared_ptr<Server*> self_ = std::make_shared<Server*>(this);
};

}  // namespace berth::http
