// Bytes on their way: who gives them away (Sink) and who is asked for them (ByteSource).
#pragma once

#include "base/result.h"

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

namespace berth::image {

using Sink = std::function<Status(std::string_view bytes)>;

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // The next bytes, valid until the next call; empty at the end.
  virtual Result<std::string_view> read() = 0;
};

constexpr size_t kPipeChunk = 256 * 1024;
constexpr size_t kPipeChunksMax = 12;

// A bounded buffer between one writing and one reading thread. What either side fails with reaches
// the other.
class Pipe final : public ByteSource {
 public:
  // The writer's side. Blocks while the buffer is full; the reader's error once it gave up.
  Status write(std::string_view bytes);
  // No more will come: the end, or the error that the reader shall get.
  void close_write(Status status);

  // The reader's side.
  Result<std::string_view> read() override;
  // Nobody reads any more; the writer gets `error`.
  void close_read(Error error);

 private:
  Status flush(std::unique_lock<std::mutex>& lock);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::string filling_;           // the writer's own
  std::string current_;           // the reader's own
  std::deque<std::string> full_;  // at most kPipeChunksMax
  std::deque<std::string> spare_;
  bool write_closed_ = false;
  Status write_status_;
  bool read_closed_ = false;
  Error read_error_;
};

}  // namespace berth::image
