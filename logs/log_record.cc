#include "logs/log_record.h"

#include "base/json.h"
#include "base/text.h"

#include <array>
#include <charconv>
#include <chrono>
#include <utility>

namespace berth::logs {
namespace {

// Within a text its quotes would be escaped.
constexpr std::string_view kTimeMember = "\"time\":\"";

}  // namespace

Result<LogRecord> parse_log_record(std::string_view line) {
  auto document = json::Document::parse(line, {.name = "log record"});
  if (!document) {
    return fail(Errc::kCorrupt, "{}: {}", document.error().text, printable(line, 80));
  }
  json::Node root = document->root();
  LogRecord record;
  record.text = TRY(root.string_at("log"));
  record.stream = TRY(root.string_at("stream"));
  record.time = TRY(root.string_at("time"));
  record.ingested_ms = TRY(root.find_i64("ingested"));
  return record;
}

std::optional<int64_t> parse_milliseconds(std::string_view time) {
  constexpr std::array<std::pair<size_t, size_t>, 7> kParts = {
      std::pair<size_t, size_t>{0, 4}, {5, 2}, {8, 2}, {11, 2}, {14, 2}, {17, 2}, {20, 3}};
  std::array<int, 7> parts{};
  if (time.size() < 24) return std::nullopt;
  for (size_t i = 0; i < kParts.size(); ++i) {
    std::string_view text = time.substr(kParts[i].first, kParts[i].second);
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), parts[i]);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  }
  auto date = std::chrono::year(parts[0]) / parts[1] / parts[2];
  auto days = std::chrono::sys_days(date).time_since_epoch().count();
  return ((int64_t{days} * 24 + parts[3]) * 60 + parts[4]) * 60000 + int64_t{parts[5]} * 1000 +
         parts[6];
}

std::optional<int64_t> time_of_record(std::string_view line) {
  size_t at = line.rfind(kTimeMember);
  if (at == std::string_view::npos) return std::nullopt;
  return parse_milliseconds(line.substr(at + kTimeMember.size()));
}

}  // namespace berth::logs
