#include "runtime/log_writer.h"

#include "sys/file.h"

#include <fcntl.h>

#include <nlohmann/json.hpp>

namespace berth::runtime {
namespace {

std::string record_of(LogStream stream, std::string_view text, const std::string& time) {
  nlohmann::ordered_json record = {{"log", text},
                                   {"stream", stream == LogStream::kStdout ? "stdout" : "stderr"},
                                   {"time", time}};
  return record.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

// How many bytes of `text` to take as one piece: at most kLogLineMax, not splitting a character.
size_t piece_of(std::string_view text) {
  if (text.size() <= kLogLineMax) return text.size();
  size_t size = kLogLineMax;
  while (size > kLogLineMax - 4 && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) --size;
  return size;
}

}  // namespace

Result<LogWriter> LogWriter::open(const std::string& path) {
  return LogWriter(TRY(sys::create(path, O_WRONLY | O_APPEND, 0640)));
}

Status LogWriter::write(LogStream stream, std::string_view bytes, WallTime now) {
  std::string& pending = pending_[static_cast<size_t>(stream)];
  std::string time = format_rfc3339(now);
  std::string records;
  pending += bytes;
  size_t start = 0;
  while (true) {
    std::string_view rest = std::string_view(pending).substr(start);
    size_t end = rest.find('\n');
    size_t line = end == std::string_view::npos ? rest.size() : end + 1;
    // A piece is cut only where the byte after it is known: it may continue a character.
    if (end == std::string_view::npos && line <= kLogLineMax) break;
    size_t size = std::min(line, piece_of(rest));
    records += record_of(stream, rest.substr(0, size), time);
    start += size;
  }
  pending.erase(0, start);
  return records.empty() ? Status() : sys::write_all(fd_.get(), records);
}

Status LogWriter::finish(LogStream stream, WallTime now) {
  std::string& pending = pending_[static_cast<size_t>(stream)];
  if (pending.empty()) return {};
  std::string record = record_of(stream, pending, format_rfc3339(now));
  pending.clear();
  return sys::write_all(fd_.get(), record);
}

}  // namespace berth::runtime
