// The files of a stream, and what is in which part of them.
//
// Files are read in blocks of some 64 KiB, whole lines. What a block covers is noted when it is
// read for the first time, so that later questions for a time go to the blocks that have it; a file
// that grew is read on from where it ended.
#pragma once

#include "base/result.h"
#include "sys/fd.h"

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace berth::logs {

// Which of the two that a stream has.
inline constexpr const char* kEventsBase = "events.log";
inline constexpr const char* kPutBase = "put.log";

struct EventFile {
  std::string path;
  std::string rotated_path;  // of the current one, once it is rotated
  uint64_t number = 0;       // of the stream's files in the order of its events' ids
  bool is_put = false;
  bool is_current = false;
  uint64_t inode = 0;  // of the current one: its name may be another file's by now
  sys::Fd fd{};        // likewise; may be let go
};

// The oldest first; those that were put behind the others. The current file has no number yet: it
// will have the next one. None when there is no such directory.
Result<std::vector<EventFile>> event_files_of(const std::string& directory);

struct Block {
  uint64_t offset = 0;
  uint64_t size = 0;
  int64_t min_ms = std::numeric_limits<int64_t>::max();
  int64_t max_ms = std::numeric_limits<int64_t>::min();
  bool has_events() const { return min_ms <= max_ms; }
};

class FileIndex {
 public:
  // Looks at what is new in the file; begins anew when it is another one.
  Status update(const EventFile& file);
  const std::vector<Block>& blocks() const { return blocks_; }
  int64_t written_ms() const { return written_ms_; }

 private:
  void add_block(std::string_view text);

  uint64_t inode_ = 0;
  uint64_t size_ = 0;  // that is in blocks
  int64_t written_ms_ = 0;
  std::vector<Block> blocks_;
};

// Calls `take` with the offset and the text of each line of a block.
using TakeLine = std::function<void(uint64_t offset, std::string_view line)>;
Status read_block(const EventFile& file, const Block& block, const TakeLine& take);

}  // namespace berth::logs
