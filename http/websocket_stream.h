// WebSocketStream: messages on a WebSocket connection that has begun, RFC 6455 section 5, as the
// server's end of it. The frames are wslay's business, the socket and the loop ours.
#pragma once

#include "base/result.h"
#include "sys/fd.h"
#include "sys/loop.h"

#include <functional>
#include <memory>
#include <string>
#include <string_view>

struct wslay_event_context;

namespace berth::http {

constexpr size_t kWebSocketMessageMax = 128 * 1024;  // bytes; a longer one ends the connection

class WebSocketStream {
 public:
  // None of them destroys the stream but `ended`.
  struct Handlers {
    std::function<void(std::string_view message, bool is_text)> message;
    // The peer has gone, or broke the rules; once, and nothing comes after it.
    std::function<void()> ended;
  };

  // `connection` is non-blocking; `loop` is borrowed.
  static Result<std::unique_ptr<WebSocketStream>> serve(sys::Fd connection, sys::Loop& loop,
                                                        Handlers handlers);
  WebSocketStream(const WebSocketStream&) = delete;
  WebSocketStream& operator=(const WebSocketStream&) = delete;
  ~WebSocketStream();

  // A binary message, as soon as the peer takes it.
  void send(std::string_view message);
  // Bytes that the peer has not taken yet.
  size_t waiting() const;
  // What waits goes first; `ended` is called once the peer has said goodbye too, or has gone.
  void close();

 private:
  struct Calls;
  WebSocketStream(sys::Fd connection, sys::Loop& loop, Handlers handlers);
  void hear(uint32_t events);
  void watch();
  void end();

  sys::Fd fd_;
  sys::Loop& loop_;
  Handlers handlers_;
  wslay_event_context* context_ = nullptr;
  bool is_closing_ = false;
  bool is_over_ = false;
  uint32_t watched_ = 0;
  // What is posted may find us gone.
  std::shared_ptr<WebSocketStream*> self_ = std::make_shared<WebSocketStream*>(this);
};

}  // namespace berth::http
