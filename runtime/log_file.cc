#include "runtime/log_file.h"

#include "base/log.h"
#include "base/text.h"
#include "runtime/gzip.h"
#include "sys/file.h"
#include "sys/path.h"
#include "sys/read_at.h"

#include <fcntl.h>

#include <algorithm>

namespace berth::runtime {
namespace {

constexpr std::string_view kCompressedSuffix = ".gz";

struct LogPath {
  std::string directory;
  std::string base;
};

LogPath split_log_path(const std::string& path) {
  size_t slash = path.rfind('/');
  return {path.substr(0, slash), path.substr(slash + 1)};
}

}  // namespace

std::optional<RotatedLog> parse_rotated_log(std::string_view name, std::string_view base) {
  bool beside = name.size() > base.size() + 1 && name.starts_with(base) && name[base.size()] == '.';
  if (!beside) return std::nullopt;
  name.remove_prefix(base.size() + 1);
  bool compressed = name.ends_with(kCompressedSuffix);
  if (compressed) name.remove_suffix(kCompressedSuffix.size());
  auto number = parse_u64(name);
  if (!number || *number == 0) return std::nullopt;
  return RotatedLog{*number, compressed};
}

std::string name_of_rotated(const std::string& base, RotatedLog rotated) {
  std::string name = base + "." + std::to_string(rotated.number);
  return rotated.compressed ? name + std::string(kCompressedSuffix) : name;
}

Result<LogFile> LogFile::open(const LogFilePlan& plan) {
  LogFile file(plan);
  if (plan.max_bytes != 0) {
    LogPath path = split_log_path(plan.path);
    for (const std::string& name : TRY(sys::list_directory(path.directory))) {
      auto rotated = parse_rotated_log(name, path.base);
      if (rotated) file.newest_ = std::max(file.newest_, rotated->number);
    }
  }
  TRY(file.open_current());
  return file;
}

Status LogFile::open_current() {
  fd_ = TRY(sys::create(plan_.path, O_RDWR | O_APPEND, 0640));
  size_ = static_cast<uint64_t>(TRY(sys::stat_fd(fd_.get())).st_size);
  if (size_ == 0 || begun_ != 0) return {};
  char last = '\n';
  TRY(sys::read_at(fd_.get(), &last, 1, size_ - 1));
  if (last == '\n') return {};
  pending_.insert(0, "\n");  // whoever wrote before us died within a line
  begun_ = 1;
  return {};
}

// How much of what is pending still goes into this file: whole lines.
size_t LogFile::fitting() const {
  if (plan_.max_bytes == 0) return pending_.size();
  uint64_t room = plan_.max_bytes - std::min(plan_.max_bytes, size_);
  if (pending_.size() <= room) return pending_.size();
  size_t end = room == 0 ? std::string::npos : pending_.rfind('\n', room - 1);
  if (end != std::string::npos) return end + 1;
  return size_ == 0 ? pending_.find('\n') + 1 : 0;  // a line that is longer than any file may be
}

void LogFile::note_written(size_t size) {
  begun_ = pending_[size - 1] == '\n' ? 0 : pending_.find('\n', size) + 1 - size;
  pending_.erase(0, size);
  size_ += size;
}

Status LogFile::flush() {
  while (!pending_.empty()) {
    if (!fd_) TRY(open_current());
    size_t size = begun_ != 0 ? begun_ : fitting();
    if (size == 0) {
      TRY(rotate());
    } else {
      note_written(TRY(sys::write_some(fd_.get(), std::string_view(pending_).substr(0, size))));
    }
  }
  return {};
}

void LogFile::drop() {
  pending_.resize(begun_);
}

Status LogFile::rotate() {
  if (plan_.max_files == 1) {  // readers that have it open still read it to its end
    TRY(sys::remove_file(plan_.path));
    fd_.reset();
    return open_current();
  }
  LogPath path = split_log_path(plan_.path);
  std::string old = name_of_rotated(path.base, {newest_ + 1, false});
  auto renamed = sys::rename(plan_.path, path.directory + "/" + old);
  // Somebody has removed it under us: what is written from now on goes where it can be found.
  bool is_gone = !renamed && renamed.error().code == Errc::kNotFound;
  if (!is_gone) {
    TRY(std::move(renamed));
    ++newest_;
  }
  fd_.reset();
  TRY(open_current());
  tidy();
  return {};
}

// Also what a death in the middle of an earlier one has left.
void LogFile::tidy() const {
  LogPath path = split_log_path(plan_.path);
  auto names = sys::list_directory(path.directory);
  if (!names) return;  // it went: nothing of ours is left to tidy
  uint64_t older_kept = plan_.max_files == 0 ? newest_ : plan_.max_files - 1;
  uint64_t oldest_kept = newest_ - std::min(newest_, older_kept) + 1;
  for (const std::string& name : *names) {
    auto rotated = parse_rotated_log(name, path.base);
    if (!rotated) continue;
    auto tidied = tidy_one(*rotated, oldest_kept);
    if (!tidied) LOG(kWarn, "old log not tidied", {{"why", tidied.error().text}});
  }
}

Status LogFile::tidy_one(const RotatedLog& rotated, uint64_t oldest_kept) const {
  LogPath path = split_log_path(plan_.path);
  auto path_of = [&](RotatedLog each) {
    return path.directory + "/" + name_of_rotated(path.base, each);
  };
  if (rotated.number < oldest_kept) return sys::remove_file(path_of(rotated));
  if (rotated.compressed || !plan_.compress) return {};
  // The compressed one is there, whole, before the other one goes: readers find one of them.
  std::string compressed = path_of({rotated.number, true});
  if (!sys::exists(compressed)) TRY(gzip_file(path_of(rotated), compressed));
  return sys::remove_file(path_of(rotated));
}

}  // namespace berth::runtime
