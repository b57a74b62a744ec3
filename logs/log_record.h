// LogRecord: a line of a json-file log, and of a file of events, which has the same lines:
//   {"log":"text\n","stream":"stdout","attrs":{"tag":"web"},"time":"2026-11-22T20:56:41.123456789Z"}
// What was put by the API has "ingested" as well, in milliseconds: the time is the client's there.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace berth::logs {

struct LogRecord {
  std::string text;
  std::string stream;  // "stdout" or "stderr"; of those that were put, "put"
  std::string time;    // RFC 3339
  std::optional<int64_t> ingested_ms{};
};

// kCorrupt when it is none.
Result<LogRecord> parse_log_record(std::string_view line);

// Milliseconds of "2026-11-22T20:56:41.123456789Z", as format_rfc3339 writes it.
std::optional<int64_t> parse_milliseconds(std::string_view time);

// The time of a record, without a look at the rest of it: to find one among millions.
std::optional<int64_t> time_of_record(std::string_view line);

}  // namespace berth::logs
