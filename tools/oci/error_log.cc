#include "oci/error_log.h"

#include "base/env.h"
#include "base/text.h"
#include "sys/clock.h"
#include "sys/file.h"

#include <nlohmann/json.hpp>

#include <fcntl.h>

#include <cstdio>
#include <string>

namespace berth::oci {
namespace {

constexpr size_t kMessageMax = 4096;

std::string render_json(const Error& error, const std::string& time) {
  nlohmann::ordered_json record{{"level", "error"}, {"msg", error.text}, {"time", time}};
  return record.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// As logrus: quotes inside of the message are escaped.
std::string render_text(const Error& error, const std::string& time) {
  std::string quoted;
  for (char letter : printable(error.text, kMessageMax)) {
    if (letter == '"') quoted += '\\';
    quoted += letter;
  }
  return fmt::format("time=\"{}\" level=error msg=\"{}\"", time, quoted);
}

}  // namespace

void report(const Given& global, const Error& error) {
  sys::SystemClock clock;
  std::string time = format_rfc3339(clock.wall());
  bool json = global.text("log-format", "text") == "json";
  std::string line = json ? render_json(error, time) : render_text(error, time);
  std::string path = global.text("log", "");
  if (path.empty() && json) {
    std::fprintf(stderr, "%s\n", line.c_str());
    return;
  }
  std::fprintf(stderr, "berth-oci: %s\n", error.text.c_str());
  if (path.empty()) return;
  auto file = sys::create(path, O_WRONLY | O_APPEND | O_CREAT, 0644);
  if (file) (void)sys::write_all(file->get(), line + "\n");  // standard error has it already
}

}  // namespace berth::oci
