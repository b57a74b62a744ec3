#include "image/file_writer.h"

#include "base/text.h"

#include <algorithm>
#include <cerrno>
#include <functional>

namespace berth::image {
namespace {

constexpr size_t kEntryShown = 400;
constexpr size_t kHandedMax = 4096;  // paths that may be made by now, before we look which are

size_t hash_of(const std::string& path) {
  return std::hash<std::string>()(path);
}

}  // namespace

Result<sys::Fd> create_file(const Medium::NewFile& file) {
  mode_t mode = file.looks.mode & 0777;
  // Nearly every name is new: it is cheaper to find out by making it than to look first.
  auto created = sys::create_at(fd_of(file.directory), file.name, mode);
  if (created || created.error().errno_value != EEXIST) return created;
  TRY(sys::remove_file_at(fd_of(file.directory), file.name));
  return sys::create_at(fd_of(file.directory), file.name, mode);
}

Status finish_file(const Medium::NewFile& file, int fd, int64_t end, Dresser& dresser) {
  static const std::string kItself;
  if (end < file.size) TRY(sys::set_size(fd, file.size));
  sys::Entry by_name{fd_of(file.directory), file.name};
  TRY(dresser.set_owner_and_mode(file.looks, {by_name, {fd, kItself}}));
  return sys::set_times_at(fd, kItself, file.looks.times);
}

FileWriter::~FileWriter() {
  {
    std::lock_guard lock(mutex_);
    is_closed_ = true;
    changed_.notify_all();
  }
  if (helper_.joinable()) helper_.join();
}

void FileWriter::begin(Medium::NewFile file) {
  batch_.content.reserve(kBatchBytes + static_cast<size_t>(kSmallFileMax));
  size_t path = hash_of(file.path);
  batch_.items.push_back({std::move(file), path, {}});
}

void FileWriter::add_content(std::string_view bytes, int64_t offset) {
  auto& pieces = batch_.items.back().pieces;
  bool is_next = !pieces.empty() &&
                 pieces.back().offset + static_cast<int64_t>(pieces.back().length) == offset;
  if (!is_next) pieces.push_back({offset, batch_.content.size(), 0});
  pieces.back().length += bytes.size();
  batch_.content += bytes;
}

Status FileWriter::commit() {
  bool is_full = batch_.items.size() == kBatchFilesMax || batch_.content.size() >= kBatchBytes;
  if (!is_full || TRY(hand_over())) return {};
  return make_own();
}

bool FileWriter::is_waiting(const std::string& path) const {
  size_t hash = hash_of(path);
  if (std::ranges::find(batch_.items, hash, &Item::path) != batch_.items.end()) return true;
  auto handed = handed_.find(hash);
  return handed != handed_.end() && handed->second > made_;
}

Status FileWriter::settle() {
  if (!batch_.items.empty()) TRY(make_own());
  Status so_far = wait();
  handed_.clear();
  return so_far;
}

// False when the helper has enough to do.
Result<bool> FileWriter::hand_over() {
  std::lock_guard lock(mutex_);
  TRY(status_);
  if (waiting_.size() == kWaitingBatchesMax) return false;
  if (!helper_.joinable()) helper_ = std::thread([this] { help(); });
  if (handed_.size() > kHandedMax) {
    std::erase_if(handed_, [this](const auto& each) { return each.second <= made_; });
  }
  ++begun_;
  for (const Item& item : batch_.items) handed_[item.path] = begun_;
  waiting_.push_back(std::exchange(batch_, std::exchange(spare_, {})));
  changed_.notify_all();
  return true;
}

// Of two failures the one whose entry came first: the helper has earlier ones.
Status FileWriter::make_own() {
  Status made = make_all(batch_);
  batch_.clear();
  if (made) return made;
  TRY(wait());
  std::lock_guard lock(mutex_);
  status_ = std::move(made);
  return status_;
}

// For the helper.
Status FileWriter::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return made_ == begun_; });
  return status_;
}

Status FileWriter::make_all(const Batch& batch) {
  for (const Item& item : batch.items) {
    Status made = make(batch, item);
    if (!made) {
      return wrap(std::move(made).error(), "entry \"{}\"", printable(item.file.entry, kEntryShown));
    }
  }
  return {};
}

Status FileWriter::make(const Batch& batch, const Item& item) {
  sys::Fd fd = TRY(create_file(item.file));
  int64_t end = 0;
  for (const Piece& piece : item.pieces) {
    std::string_view bytes = std::string_view(batch.content).substr(piece.begin, piece.length);
    TRY(sys::write_at(fd.get(), bytes, piece.offset));
    end = piece.offset + static_cast<int64_t>(piece.length);
  }
  return finish_file(item.file, fd.get(), end, dresser_);
}

// After a failure it makes nothing more: there is somebody who waits for the end of it.
void FileWriter::help() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return is_closed_ || !waiting_.empty(); });
    if (is_closed_) return;
    Batch batch = std::move(waiting_.front());
    waiting_.pop_front();
    bool is_wanted = status_.has_value();
    lock.unlock();
    Status made = is_wanted ? make_all(batch) : Status();
    batch.clear();
    lock.lock();
    if (!made) status_ = std::move(made);
    spare_ = std::move(batch);
    ++made_;
    changed_.notify_all();
  }
}

}  // namespace berth::image
