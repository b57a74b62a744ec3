#include "agent/log_tail.h"

#include "base/log.h"
#include "image/decompress.h"
#include "runtime/log_file.h"
#include "sys/file.h"

#include <fcntl.h>

#include <limits>

namespace berth::agent {
namespace {

constexpr size_t kTailChunk = 64 * 1024;

// Hands on what was compressed.
class TailOutput final : public image::Output {
 public:
  explicit TailOutput(std::function<void(std::string_view)> take)
      : take_(std::move(take)), room_(kTailChunk, '\0') {}
  Result<std::span<char>> room() override { return std::span<char>(room_); }
  Status commit(size_t size) override {
    take_(std::string_view(room_).substr(0, size));
    return {};
  }

 private:
  std::function<void(std::string_view)> take_;
  std::string room_;
};

// Ours, and limited by whoever wrote it.
constexpr image::DecompressLimits kNoLimits = {
    .plain_max = std::numeric_limits<uint64_t>::max(),
    .ratio_max = std::numeric_limits<uint64_t>::max(),
    .ratio_free_bytes = std::numeric_limits<uint64_t>::max()};

template <class Take>
Status read_to_end(int fd, Take take) {
  std::string chunk(kTailChunk, '\0');
  while (true) {
    size_t got = TRY(sys::read_some(fd, chunk.data(), chunk.size()));
    if (got == 0) return {};
    TRY(take(std::string_view(chunk).substr(0, got)));
  }
}

}  // namespace

Result<LogTail> LogTail::open(const std::string& directory, const std::string& base, Sink sink) {
  return LogTail(TRY(sys::open(directory, O_RDONLY | O_DIRECTORY)), base, std::move(sink));
}

void LogTail::read_more() {
  while (true) {
    if (!fd_) {
      if (auto number = next_rotated()) {
        read_rotated(*number);
        continue;
      }
      if (!open_current()) return;
    }
    read_open_file();
    if (is_current()) return;
    // It was rotated, and is complete now: its writer writes to the next one.
    read_open_file();
    fd_.reset();
    end_file();
  }
}

std::optional<uint64_t> LogTail::next_rotated() const {
  auto names = sys::list_directory(sys::proc_path(directory_.get()));
  std::optional<uint64_t> next;
  if (!names) return next;
  for (const std::string& name : *names) {
    auto rotated = runtime::parse_rotated_log(name, base_);
    if (rotated && rotated->number >= next_ && (!next || rotated->number < *next)) {
      next = rotated->number;
    }
  }
  return next;
}

void LogTail::read_rotated(uint64_t number) {
  if (number > next_ && next_ > 1) {
    LOG(kWarn, "log files went before they were read", {{"log", base_}, {"files", number - next_}});
  }
  next_ = number;
  auto plain =
      sys::open_at(directory_.get(), runtime::name_of_rotated(base_, {number, false}), O_RDONLY);
  if (plain) {
    fd_ = std::move(*plain);
    read_open_file();
    fd_.reset();
    return end_file();
  }
  auto compressed =
      sys::open_at(directory_.get(), runtime::name_of_rotated(base_, {number, true}), O_RDONLY);
  // Neither of them: it went just now, or will be there under its other name when we look again.
  bool is_gone = plain.error().code == Errc::kNotFound && !compressed &&
                 compressed.error().code == Errc::kNotFound;
  if (is_gone) return;
  if (!compressed) {
    LOG(kWarn, "old log not readable", {{"log", base_}, {"why", compressed.error().text}});
    return end_file();
  }
  TailOutput output([this](std::string_view bytes) { take(bytes); });
  image::Decompressor decompressor(kNoLimits, output);
  auto inflate = [&](std::string_view bytes) { return decompressor.write(bytes); };
  auto read = read_to_end(compressed->get(), inflate);
  if (read) read = decompressor.finish();
  if (!read) {
    LOG(kWarn, "old log not readable", {{"log", base_}, {"why", read.error().text}});
  }
  end_file();
}

// False when there is none, or when what is there is not the next one to read.
bool LogTail::open_current() {
  auto fd = sys::open_at(directory_.get(), base_, O_RDONLY);
  if (!fd) return false;
  // Rotated between our look at the others and now? Then it may be one of them.
  fd_ = std::move(*fd);
  auto rotated = next_rotated();
  if (!rotated) return true;
  fd_.reset();
  read_rotated(*rotated);
  return open_current();
}

bool LogTail::is_current() const {
  auto ours = sys::stat_fd(fd_.get());
  auto current = sys::stat(sys::proc_path(directory_.get()) + "/" + base_);
  // Between two files: the next one is being made.
  if (!current) return !next_rotated().has_value();
  return ours && ours->st_ino == current->st_ino && ours->st_dev == current->st_dev;
}

void LogTail::read_open_file() {
  auto read = read_to_end(fd_.get(), [this](std::string_view bytes) -> Status {
    take(bytes);
    return {};
  });
  if (!read) LOG(kWarn, "log not readable", {{"log", base_}, {"why", read.error().text}});
}

void LogTail::take(std::string_view bytes) {
  pending_ += bytes;
  size_t start = 0;
  for (size_t end = pending_.find('\n'); end != std::string::npos;
       end = pending_.find('\n', start)) {
    take_line(std::string_view(pending_).substr(start, end - start));
    start = end + 1;
  }
  pending_.erase(0, start);
}

void LogTail::take_line(std::string_view line) {
  auto record = parse_log_record(line);
  if (record) return sink_(*record);
  LOG(kWarn, "log record skipped", {{"log", base_}, {"why", record.error().text}});
}

// What its writer left unfinished stays so.
void LogTail::end_file() {
  if (!pending_.empty()) take_line(pending_);
  pending_.clear();
  ++next_;
}

}  // namespace berth::agent
