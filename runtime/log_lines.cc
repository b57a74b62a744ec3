#include "runtime/log_lines.h"

#include <algorithm>
#include <utility>

namespace berth::runtime {

const char* name_of(LogStream stream) {
  return stream == LogStream::kStdout ? "stdout" : "stderr";
}

// How many bytes of `text` to take as one piece, not splitting a character.
size_t LineSplitter::piece_of(std::string_view text) const {
  if (text.size() <= piece_max_) return text.size();
  size_t size = piece_max_;
  while (size > piece_max_ - 4 && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) --size;
  return size;
}

std::vector<LogEntry> LineSplitter::take(LogStream stream, std::string_view bytes, WallTime now) {
  std::string& pending = pending_[static_cast<size_t>(stream)];
  std::vector<LogEntry> entries;
  pending += bytes;
  size_t start = 0;
  while (true) {
    std::string_view rest = std::string_view(pending).substr(start);
    size_t end = rest.find('\n');
    size_t line = end == std::string_view::npos ? rest.size() : end + 1;
    // A piece is cut only where the byte after it is known: it may continue a character.
    if (end == std::string_view::npos && line <= piece_max_) break;
    size_t size = std::min(line, piece_of(rest));
    entries.push_back({stream, std::string(rest.substr(0, size)), now});
    start += size;
  }
  pending.erase(0, start);
  return entries;
}

std::optional<LogEntry> LineSplitter::finish(LogStream stream, WallTime now) {
  std::string& pending = pending_[static_cast<size_t>(stream)];
  if (pending.empty()) return std::nullopt;
  return LogEntry{stream, std::exchange(pending, {}), now};
}

}  // namespace berth::runtime
