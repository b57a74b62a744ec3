#include "tools/session_transcript.h"

#include <chrono>
#include <utility>

namespace berth::tools {
namespace {

constexpr size_t kTranscriptBytesMax = 256 * 1024;  // in memory
constexpr auto kTerminal = runtime::LogStream::kStdout;

}  // namespace

Result<SessionTranscript> SessionTranscript::begin(const SessionLog& log, std::string stream,
                                                   Clock& clock) {
  SessionTranscript transcript(log, std::move(stream), clock);
  TRY(transcript.store_.find_group(transcript.group_));
  TRY(transcript.store_.create_stream(transcript.group_, transcript.stream_, clock.wall()));
  return transcript;
}

// Terminals end lines with \r\n. CloudWatch Logs takes no empty events.
void SessionTranscript::take(const runtime::LogEntry& entry) {
  std::string_view line = entry.text;
  if (line.ends_with('\n')) line.remove_suffix(1);
  while (line.ends_with('\r')) line.remove_suffix(1);
  if (line.empty()) return;
  auto time = std::chrono::duration_cast<std::chrono::milliseconds>(entry.time.time_since_epoch());
  events_.push_back({time.count(), std::string(line)});
  bytes_ += line.size();
}

Status SessionTranscript::add(std::string_view bytes) {
  for (const runtime::LogEntry& entry : lines_.take(kTerminal, bytes, clock_.wall())) take(entry);
  return bytes_ < kTranscriptBytesMax ? Status() : flush();
}

Status SessionTranscript::flush() {
  if (events_.empty()) return {};
  bytes_ = 0;
  return store_.put_events(group_, stream_, std::exchange(events_, {}), clock_.wall());
}

Status SessionTranscript::finish() {
  if (auto last = lines_.finish(kTerminal, clock_.wall())) take(*last);
  return flush();
}

}  // namespace berth::tools
