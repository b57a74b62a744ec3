#include "logs/event_files.h"

#include "logs/log_record.h"
#include "runtime/log_file.h"
#include "sys/file.h"
#include "sys/read_at.h"

#include <fcntl.h>

#include <algorithm>

namespace berth::logs {
namespace {

constexpr size_t kBlockBytes = 64 * 1024;
constexpr size_t kLineMax = 8 * 1024 * 1024;  // an event of 256 KiB, all of it escaped
// Ids of what was put are behind those of what was printed: file names have ten digits there.
constexpr uint64_t kPutNumbers = 5000000000;
constexpr int kListTries = 100;  // a stream that is rotated as often while it is looked at

struct Rotated {
  std::vector<uint64_t> numbers;  // ascending
  uint64_t newest() const { return numbers.empty() ? 0 : numbers.back(); }
  bool operator==(const Rotated&) const = default;
};

Result<Rotated> rotated_in(const std::string& directory, const char* base) {
  Rotated rotated;
  if (!sys::exists(directory)) return rotated;
  for (const std::string& name : TRY(sys::list_directory(directory))) {
    auto parsed = runtime::parse_rotated_log(name, base);
    if (parsed) rotated.numbers.push_back(parsed->number);
  }
  std::ranges::sort(rotated.numbers);
  return rotated;
}

Result<std::optional<sys::Fd>> open_if_there(const std::string& path) {
  auto fd = sys::open(path, O_RDONLY);
  if (fd) return std::optional(std::move(*fd));
  if (fd.error().code == Errc::kNotFound) return std::optional<sys::Fd>();
  return tl::unexpected<Error>(std::move(fd).error());
}

Status add_files(const std::string& directory, const char* base, std::vector<EventFile>& files) {
  std::string current = directory + "/" + base;
  bool is_put = base == std::string_view(kPutBase);
  uint64_t first = is_put ? kPutNumbers : 0;
  Rotated rotated = TRY(rotated_in(directory, base));
  for (int tries = 1;; ++tries) {
    std::optional<sys::Fd> fd = TRY(open_if_there(current));
    Rotated after = TRY(rotated_in(directory, base));
    // Which number the current one will have is known only if none was rotated meanwhile.
    bool is_steady = after.newest() == rotated.newest();
    rotated = std::move(after);
    if (!is_steady && tries < kListTries) continue;
    for (uint64_t number : rotated.numbers) {
      EventFile file;
      file.path = directory + "/" + runtime::name_of_rotated(base, {number, false});
      file.number = first + number;
      file.is_put = is_put;
      files.push_back(std::move(file));
    }
    if (!fd || !is_steady) return {};
    EventFile file;
    file.path = std::move(current);
    file.number = first + rotated.newest() + 1;
    file.is_put = is_put;
    file.is_current = true;
    file.rotated_path =
        directory + "/" + runtime::name_of_rotated(base, {rotated.newest() + 1, false});
    file.inode = TRY(sys::stat_fd(fd->get())).st_ino;
    file.fd = std::move(*fd);
    files.push_back(std::move(file));
    return {};
  }
}

// As much as there is.
Result<std::string> read_piece(int fd, uint64_t offset, uint64_t size) {
  std::string piece(size, '\0');
  size_t have = 0;
  while (have < piece.size()) {
    size_t got = TRY(sys::read_at(fd, piece.data() + have, piece.size() - have, offset + have));
    if (got == 0) break;
    have += got;
  }
  piece.resize(have);
  return piece;
}

// Hands `use` a descriptor of the file; one that expired just now is passed over.
template <class Use>
Status with_open(const EventFile& file, Use use) {
  if (file.fd) return use(file.fd.get());
  std::optional<sys::Fd> fd = TRY(open_if_there(file.path));
  bool is_another = file.is_current && (!fd || TRY(sys::stat_fd(fd->get())).st_ino != file.inode);
  if (is_another) fd = TRY(open_if_there(file.rotated_path));
  return fd ? use(fd->get()) : Status();
}

}  // namespace

Result<std::vector<EventFile>> event_files_of(const std::string& directory) {
  std::vector<EventFile> files;
  TRY(add_files(directory, kEventsBase, files));
  TRY(add_files(directory, kPutBase, files));
  return files;
}

Status FileIndex::update(const EventFile& file) {
  return with_open(file, [&](int fd) -> Status {
    struct stat st = TRY(sys::stat_fd(fd));
    auto size = static_cast<uint64_t>(st.st_size);
    if (st.st_ino != inode_ || size < size_) *this = FileIndex();
    inode_ = st.st_ino;
    written_ms_ = int64_t{st.st_mtim.tv_sec} * 1000 + st.st_mtim.tv_nsec / 1000000;
    size_t wanted = kBlockBytes;
    while (size_ < size) {
      std::string chunk = TRY(read_piece(fd, size_, std::min<uint64_t>(wanted, size - size_)));
      if (chunk.empty()) return {};  // it shrank
      // Zeros are where old events were (LogStore::expire).
      size_t whole = std::min(chunk.find_first_not_of('\0'), chunk.size());
      if (whole == 0) whole = chunk.rfind('\n') + 1;
      if (whole == 0 && wanted > kLineMax) whole = chunk.size();  // nothing that we wrote
      if (whole == 0 && chunk.size() == size - size_) return {};  // its writer is in a line
      if (whole == 0) {
        wanted *= 2;
        continue;
      }
      add_block(std::string_view(chunk).substr(0, whole));
      wanted = kBlockBytes;
    }
    return {};
  });
}

void FileIndex::add_block(std::string_view text) {
  Block block{.offset = size_, .size = text.size()};
  size_t start = 0;
  for (size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n', start)) {
    if (auto time = time_of_record(text.substr(start, end - start))) {
      block.min_ms = std::min(block.min_ms, *time);
      block.max_ms = std::max(block.max_ms, *time);
    }
    start = end + 1;
  }
  blocks_.push_back(block);
  size_ += block.size;
}

Status read_block(const EventFile& file, const Block& block, const TakeLine& take) {
  return with_open(file, [&](int fd) -> Status {
    std::string chunk = TRY(read_piece(fd, block.offset, block.size));
    size_t start = 0;
    for (size_t end = chunk.find('\n'); end != std::string::npos; end = chunk.find('\n', start)) {
      take(block.offset + start, std::string_view(chunk).substr(start, end - start));
      start = end + 1;
    }
    return {};
  });
}

}  // namespace berth::logs
