// ChunkedStream: the body of an answer that has no end yet (RFC 9112 section 7.1), after its head:
// what is sent goes as soon as the peer takes it, each piece a chunk.
#pragma once

#include "base/result.h"
#include "http/message.h"
#include "sys/fd.h"
#include "sys/loop.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace berth::http {

// Of an answer without its body. The connection ends with it.
std::string render_stream_head(const Response& response);

class ChunkedStream {
 public:
  // `connection` is non-blocking; `loop` is borrowed. `ended`: the peer has gone, or all that was
  // sent before close() has been taken; once, on the loop, and it may destroy the stream.
  static Result<std::unique_ptr<ChunkedStream>> serve(sys::Fd connection, sys::Loop& loop,
                                                      std::function<void()> ended);
  ChunkedStream(const ChunkedStream&) = delete;
  ChunkedStream& operator=(const ChunkedStream&) = delete;
  ~ChunkedStream();

  // Nothing is sent after a close. `bytes` is not empty: an empty chunk is the end.
  void send(std::string_view bytes);
  // Bytes that the peer has not taken yet.
  size_t waiting() const { return out_.size(); }
  // The last chunk goes, and then the connection.
  void close();

 private:
  ChunkedStream(sys::Fd connection, sys::Loop& loop, std::function<void()> ended);
  void hear(uint32_t events);
  void write();
  void watch();
  void end();

  sys::Fd fd_;
  sys::Loop& loop_;
  std::function<void()> ended_;
  std::string out_;
  bool is_closing_ = false;
  bool is_over_ = false;
  uint32_t watched_ = 0;
};

}  // namespace berth::http
