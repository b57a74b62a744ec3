#include "http/websocket_stream.h"

#include "base/check.h"
#include "base/log.h"
#include "sys/tcp.h"

#include <sys/epoll.h>
#include <wslay/wslay.h>

#include <utility>

namespace berth::http {

// What wslay calls.
struct WebSocketStream::Calls {
  static WebSocketStream& stream_of(void* user) { return *static_cast<WebSocketStream*>(user); }

  static ssize_t receive(wslay_event_context* context, uint8_t* buffer, size_t size, int,
                         void* user) {
    auto moved =
        sys::receive_some(stream_of(user).fd_.get(), reinterpret_cast<char*>(buffer), size);
    bool is_gone = !moved || moved->ended;
    if (!is_gone && moved->bytes > 0) return static_cast<ssize_t>(moved->bytes);
    wslay_event_set_error(context, is_gone ? WSLAY_ERR_CALLBACK_FAILURE : WSLAY_ERR_WOULDBLOCK);
    return -1;
  }

  static ssize_t send(wslay_event_context* context, const uint8_t* bytes, size_t size, int,
                      void* user) {
    auto moved =
        sys::send_part(stream_of(user).fd_.get(), {reinterpret_cast<const char*>(bytes), size});
    bool is_gone = !moved || moved->ended;
    if (!is_gone && moved->bytes > 0) return static_cast<ssize_t>(moved->bytes);
    wslay_event_set_error(context, is_gone ? WSLAY_ERR_CALLBACK_FAILURE : WSLAY_ERR_WOULDBLOCK);
    return -1;
  }

  static void message(wslay_event_context*, const wslay_event_on_msg_recv_arg* arg, void* user) {
    if (wslay_is_ctrl_frame(arg->opcode)) return;  // answered by wslay itself
    stream_of(user).handlers_.message({reinterpret_cast<const char*>(arg->msg), arg->msg_length},
                                      arg->opcode == WSLAY_TEXT_FRAME);
  }
};

WebSocketStream::WebSocketStream(sys::Fd connection, sys::Loop& loop, Handlers handlers)
    : fd_(std::move(connection)), loop_(loop), handlers_(std::move(handlers)) {
  wslay_event_callbacks callbacks{};
  callbacks.recv_callback = Calls::receive;
  callbacks.send_callback = Calls::send;
  callbacks.on_msg_recv_callback = Calls::message;
  CHECK(wslay_event_context_server_init(&context_, &callbacks, this) == 0);
  wslay_event_config_set_max_recv_msg_length(context_, kWebSocketMessageMax);
}

WebSocketStream::~WebSocketStream() {
  if (watched_ != 0) loop_.unwatch(fd_.get());
  wslay_event_context_free(context_);
}

Result<std::unique_ptr<WebSocketStream>> WebSocketStream::serve(sys::Fd connection, sys::Loop& loop,
                                                                Handlers handlers) {
  std::unique_ptr<WebSocketStream> stream(
      new WebSocketStream(std::move(connection), loop, std::move(handlers)));
  TRY(loop.watch(stream->fd_.get(), EPOLLIN,
                 [self = stream.get()](uint32_t events) { self->hear(events); }));
  stream->watched_ = EPOLLIN;
  return stream;
}

void WebSocketStream::send(std::string_view message) {
  if (is_over_) return;
  wslay_event_msg wanted{WSLAY_BINARY_FRAME, reinterpret_cast<const uint8_t*>(message.data()),
                         message.size()};
  // Refused only after a close, of which `ended` will tell, and without memory.
  (void)wslay_event_queue_msg(context_, &wanted);
  watch();
}

size_t WebSocketStream::waiting() const {
  return wslay_event_get_queued_msg_length(context_);
}

void WebSocketStream::close() {
  if (is_over_) return;
  is_closing_ = true;
  watch();
}

void WebSocketStream::hear(uint32_t events) {
  bool broke = (events & (EPOLLHUP | EPOLLERR)) != 0 && (events & EPOLLIN) == 0;
  if (!broke && (events & EPOLLIN) != 0) broke = wslay_event_recv(context_) != 0;
  if (!broke && (events & EPOLLOUT) != 0) broke = wslay_event_send(context_) != 0;
  if (broke) return end();
  watch();
}

void WebSocketStream::watch() {
  // Not before: control frames overtake messages that wait.
  if (is_closing_ && waiting() == 0) {
    is_closing_ = false;
    (void)wslay_event_queue_close(context_, WSLAY_CODE_NORMAL_CLOSURE, nullptr, 0);
  }
  uint32_t wanted = (wslay_event_want_read(context_) != 0 ? EPOLLIN : 0u) |
                    (wslay_event_want_write(context_) != 0 ? EPOLLOUT : 0u);
  if (wanted == 0) {  // both have said goodbye
    std::weak_ptr<WebSocketStream*> self = self_;
    loop_.post([self] {
      if (auto stream = self.lock()) (*stream)->end();
    });
    return;
  }
  if (wanted == watched_) return;
  auto watched = loop_.watch(fd_.get(), wanted, [this](uint32_t events) { hear(events); });
  if (!watched) LOG(kWarn, "a connection is not watched", {{"why", watched.error().text}});
  watched_ = wanted;
}

void WebSocketStream::end() {
  if (std::exchange(is_over_, true)) return;
  if (std::exchange(watched_, 0u) != 0) loop_.unwatch(fd_.get());
  auto ended = handlers_.ended;  // it may destroy us
  ended();
}

}  // namespace berth::http
