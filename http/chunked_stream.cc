#include "http/chunked_stream.h"

#include "base/log.h"
#include "sys/tcp.h"

#include <sys/epoll.h>

#include <fmt/core.h>

#include <array>
#include <utility>

namespace berth::http {
namespace {

constexpr std::string_view kLastChunk = "0\r\n\r\n";

}  // namespace

std::string render_stream_head(const Response& response) {
  std::string head = fmt::format("HTTP/1.1 {} {}\r\nContent-Type: {}\r\n", response.status,
                                 reason_of(response.status), response.content_type);
  for (const auto& [name, value] : response.headers) head += name + ": " + value + "\r\n";
  return head + "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
}

ChunkedStream::ChunkedStream(sys::Fd connection, sys::Loop& loop, std::function<void()> ended)
    : fd_(std::move(connection)), loop_(loop), ended_(std::move(ended)) {}

ChunkedStream::~ChunkedStream() {
  if (watched_ != 0) loop_.unwatch(fd_.get());
}

Result<std::unique_ptr<ChunkedStream>> ChunkedStream::serve(sys::Fd connection, sys::Loop& loop,
                                                            std::function<void()> ended) {
  std::unique_ptr<ChunkedStream> stream(
      new ChunkedStream(std::move(connection), loop, std::move(ended)));
  TRY(loop.watch(stream->fd_.get(), EPOLLIN,
                 [self = stream.get()](uint32_t events) { self->hear(events); }));
  stream->watched_ = EPOLLIN;
  return stream;
}

void ChunkedStream::send(std::string_view bytes) {
  if (is_over_ || is_closing_ || bytes.empty()) return;
  out_ += fmt::format("{:x}\r\n", bytes.size());
  out_ += bytes;
  out_ += "\r\n";
  watch();
}

void ChunkedStream::close() {
  if (is_over_ || is_closing_) return;
  is_closing_ = true;
  out_ += kLastChunk;
  watch();
}

void ChunkedStream::hear(uint32_t events) {
  if ((events & EPOLLIN) != 0) {
    std::array<char, 4096> chunk;  // NOLINT: filled by the kernel
    auto moved = sys::receive_some(fd_.get(), chunk.data(), chunk.size());
    if (!moved || moved->ended) return end();  // what else it says is nothing to us
  } else if ((events & (EPOLLHUP | EPOLLERR)) != 0) {
    return end();
  }
  if ((events & EPOLLOUT) != 0) write();
}

void ChunkedStream::write() {
  auto moved = sys::send_part(fd_.get(), out_);
  if (!moved || moved->ended) return end();
  out_.erase(0, moved->bytes);
  if (out_.empty() && is_closing_) return end();
  watch();
}

void ChunkedStream::watch() {
  uint32_t wanted = EPOLLIN | (out_.empty() ? 0u : uint32_t{EPOLLOUT});
  if (wanted == watched_) return;
  auto watched = loop_.watch(fd_.get(), wanted, [this](uint32_t events) { hear(events); });
  if (!watched) LOG(kWarn, "a connection is not watched", {{"why", watched.error().text}});
  watched_ = wanted;
}

void ChunkedStream::end() {
  if (std::exchange(is_over_, true)) return;
  if (std::exchange(watched_, 0u) != 0) loop_.unwatch(fd_.get());
  auto ended = ended_;  // it may destroy us
  ended();
}

}  // namespace berth::http
