#include "image/stream.h"

#include <algorithm>
#include <utility>

namespace berth::image {

Pipe::Pipe(size_t readers) : readers_(readers, Reader(*this)) {}

bool Pipe::is_full() const {
  return std::ranges::any_of(
      readers_, [this](const Reader& reader) { return written_ - reader.next_ == kPipeChunksMax; });
}

Result<std::span<char>> Pipe::room() {
  if (filled_ == 0) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return read_error_ || !is_full(); });
    if (read_error_) return tl::unexpected<Error>(*read_error_);
  }
  std::vector<char>& bytes = chunk(written_).bytes;
  bytes.resize(kPipeChunk);
  return std::span(bytes).subspan(filled_);
}

Status Pipe::commit(size_t size) {
  filled_ += size;
  if (filled_ < kPipeChunk) return {};
  std::lock_guard lock(mutex_);
  hand_over();
  return {};
}

void Pipe::hand_over() {
  chunk(written_++).size = std::exchange(filled_, 0);
  changed_.notify_all();
}

void Pipe::close_write(Status status) {
  std::lock_guard lock(mutex_);
  if (filled_ > 0) hand_over();
  write_closed_ = true;
  write_status_ = std::move(status);
  changed_.notify_all();
}

Result<std::string_view> Pipe::read(Reader& reader) {
  std::unique_lock lock(mutex_);
  if (std::exchange(reader.is_reading_, false)) {
    ++reader.next_;
    changed_.notify_all();
  }
  changed_.wait(lock, [&] { return write_closed_ || reader.next_ < written_; });
  if (write_closed_ && !write_status_) return tl::unexpected<Error>(write_status_.error());
  if (reader.next_ == written_) return std::string_view();
  reader.is_reading_ = true;
  const Chunk& got = chunk(reader.next_);
  return std::string_view(got.bytes.data(), got.size);
}

void Pipe::close_read(Error error) {
  std::lock_guard lock(mutex_);
  if (!read_error_) read_error_ = std::move(error);
  changed_.notify_all();
}

}  // namespace berth::image
