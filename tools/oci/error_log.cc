#include "oci/error_log.h"

#include "base/env.h"
#include "base/log.h"
#include "base/text.h"
#include "sys/clock.h"
#include "sys/file.h"

#include <nlohmann/json.hpp>

#include <fcntl.h>

#include <cstdio>
#include <string>
#include <string_view>

namespace berth::oci {
namespace {

constexpr size_t kMessageMax = 4096;

std::string render_json(std::string_view level, std::string_view text, const std::string& time) {
  nlohmann::ordered_json record{{"level", level}, {"msg", text}, {"time", time}};
  return record.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// As logrus: quotes inside of the message are escaped.
std::string render_text(std::string_view level, std::string_view text, const std::string& time) {
  std::string quoted;
  for (char letter : printable(text, kMessageMax)) {
    if (letter == '"') quoted += '\\';
    quoted += letter;
  }
  return fmt::format("time=\"{}\" level={} msg=\"{}\"", time, level, quoted);
}

std::string render(const Given& global, std::string_view level, std::string_view text) {
  sys::SystemClock clock;
  std::string time = format_rfc3339(clock.wall());
  bool json = global.text("log-format", "text") == "json";
  return json ? render_json(level, text, time) : render_text(level, text, time);
}

// Without an error of its own: whoever calls has said it elsewhere, or cannot.
void append(const std::string& path, const std::string& line) {
  auto file = sys::create(path, O_WRONLY | O_APPEND | O_CREAT, 0644);
  if (file) (void)sys::write_all(file->get(), line + "\n");
}

}  // namespace

void report(const Given& global, const Error& error) {
  std::string line = render(global, "error", error.text);
  std::string path = global.text("log", "");
  if (path.empty() && global.text("log-format", "text") == "json") {
    std::fprintf(stderr, "%s\n", line.c_str());
    return;
  }
  std::fprintf(stderr, "berth-oci: %s\n", error.text.c_str());
  if (!path.empty()) append(path, line);
}

void log_warnings(const Given& global) {
  if (global.text("log", "").empty()) return;
  log::set_sink([global](log::Level level, std::string_view line) {
    bool is_error = level == log::Level::kError;
    append(global.text("log", ""), render(global, is_error ? "error" : "warning", line));
  });
}

}  // namespace berth::oci
