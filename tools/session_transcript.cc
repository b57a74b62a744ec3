#include "tools/session_transcript.h"

#include <chrono>
#include <utility>

namespace berth::tools {
namespace {

constexpr size_t kTranscriptLineMax = 32 * 1024;    // a longer one becomes several events
constexpr size_t kTranscriptBytesMax = 256 * 1024;  // in memory

}  // namespace

Result<SessionTranscript> SessionTranscript::begin(const SessionLog& log, std::string stream,
                                                   Clock& clock) {
  SessionTranscript transcript(log, std::move(stream), clock);
  TRY(transcript.store_.find_group(transcript.group_));
  TRY(transcript.store_.create_stream(transcript.group_, transcript.stream_, clock.wall()));
  return transcript;
}

// Terminals end lines with \r\n. CloudWatch Logs takes no empty events.
void SessionTranscript::take_line(std::string_view line) {
  while (line.ends_with('\r')) line.remove_suffix(1);
  if (line.empty()) return;
  auto now =
      std::chrono::duration_cast<std::chrono::milliseconds>(clock_.wall().time_since_epoch());
  events_.push_back({now.count(), std::string(line)});
  bytes_ += line.size();
}

Status SessionTranscript::add(std::string_view bytes) {
  for (char byte : bytes) {
    if (byte != '\n') line_ += byte;
    if (byte != '\n' && line_.size() < kTranscriptLineMax) continue;
    take_line(line_);
    line_.clear();
  }
  return bytes_ < kTranscriptBytesMax ? Status() : flush();
}

Status SessionTranscript::flush() {
  if (events_.empty()) return {};
  bytes_ = 0;
  return store_.put_events(group_, stream_, std::exchange(events_, {}), clock_.wall());
}

Status SessionTranscript::finish() {
  take_line(line_);
  line_.clear();
  return flush();
}

}  // namespace berth::tools
