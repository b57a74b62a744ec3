#include "image/stream.h"

#include <algorithm>
#include <utility>

namespace berth::image {

Status Pipe::write(std::string_view bytes) {
  while (!bytes.empty()) {
    size_t room = kPipeChunk - filling_.size();
    size_t take = std::min(room, bytes.size());
    filling_.append(bytes.substr(0, take));
    bytes.remove_prefix(take);
    if (filling_.size() < kPipeChunk) continue;
    std::unique_lock lock(mutex_);
    TRY(flush(lock));
  }
  return {};
}

Status Pipe::flush(std::unique_lock<std::mutex>& lock) {
  changed_.wait(lock, [&] { return read_closed_ || full_.size() < kPipeChunksMax; });
  if (read_closed_) return tl::unexpected<Error>(read_error_);
  full_.push_back(std::move(filling_));
  filling_.clear();
  if (!spare_.empty()) {
    filling_ = std::move(spare_.front());
    spare_.pop_front();
    filling_.clear();
  }
  filling_.reserve(kPipeChunk);
  changed_.notify_all();
  return {};
}

void Pipe::close_write(Status status) {
  std::unique_lock lock(mutex_);
  if (status && !filling_.empty()) status = flush(lock);
  write_closed_ = true;
  write_status_ = std::move(status);
  changed_.notify_all();
}

Result<std::string_view> Pipe::read() {
  std::unique_lock lock(mutex_);
  if (current_.capacity() > 0) spare_.push_back(std::move(current_));
  current_.clear();
  changed_.wait(lock, [&] { return write_closed_ || !full_.empty(); });
  if (write_closed_ && !write_status_) return tl::unexpected<Error>(write_status_.error());
  if (full_.empty()) return std::string_view();
  current_ = std::move(full_.front());
  full_.pop_front();
  changed_.notify_all();
  return std::string_view(current_);
}

void Pipe::close_read(Error error) {
  std::lock_guard lock(mutex_);
  read_closed_ = true;
  read_error_ = std::move(error);
  changed_.notify_all();
}

}  // namespace berth::image
