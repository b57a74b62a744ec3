#include "runtime/log_syslog.h"

#include "base/text.h"
#include "runtime/log_connection.h"
#include "sys/spawn.h"

#include <fmt/core.h>

#include <ctime>

#include <utility>

namespace berth::runtime {
namespace {

constexpr int kSeverityError = 3;
constexpr int kSeverityInfo = 6;

struct FormatWord {
  SyslogFormat format;
  std::string_view word;
};
constexpr FormatWord kFormatWords[] = {{SyslogFormat::kUnix, ""},
                                       {SyslogFormat::kRfc3164, "rfc3164"},
                                       {SyslogFormat::kRfc5424, "rfc5424"},
                                       {SyslogFormat::kRfc5424Micro, "rfc5424micro"}};

// "Nov 26 06:01:02", in the time zone of the host: RFC 3164 has no other.
std::string stamp_of(WallTime time) {
  std::time_t seconds =
      std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
  std::tm local{};
  (void)::localtime_r(&seconds, &local);
  char text[32] = {};
  (void)std::strftime(text, sizeof(text), "%b %e %H:%M:%S", &local);
  return text;
}

class SyslogDriver final : public LogDriver {
 public:
  SyslogDriver(SyslogHeader header, bool is_stream, LogConnection connection)
      : header_(std::move(header)), is_stream_(is_stream), connection_(std::move(connection)) {}

  Status write(std::vector<LogEntry> entries) override {
    Status all;
    for (const LogEntry& entry : entries) {
      std::string message = render_syslog(header_, entry);
      if (is_stream_) message += '\n';
      auto sent = connection_.send(message, "");
      if (!sent) all = std::move(sent);
    }
    return all;
  }

 private:
  SyslogHeader header_;
  bool is_stream_;
  LogConnection connection_;
};

}  // namespace

std::string render_syslog(const SyslogHeader& header, const LogEntry& entry) {
  int severity = entry.stream == LogStream::kStdout ? kSeverityInfo : kSeverityError;
  int priority = header.facility * 8 + severity;
  std::string_view text = entry.text;
  if (text.ends_with('\n')) text.remove_suffix(1);
  switch (header.format) {
    case SyslogFormat::kUnix:
      return fmt::format("<{}>{} {}[{}]: {}", priority, stamp_of(entry.time), header.tag,
                         header.pid, text);
    case SyslogFormat::kRfc3164:
      return fmt::format("<{}>{} {} {}[{}]: {}", priority, stamp_of(entry.time), header.hostname,
                         header.tag, header.pid, text);
    case SyslogFormat::kRfc5424:
    case SyslogFormat::kRfc5424Micro:
      break;
  }
  constexpr size_t kSeconds = 19;  // digits and marks of a time up to its seconds
  constexpr size_t kMicroseconds = kSeconds + 7;
  size_t size = header.format == SyslogFormat::kRfc5424 ? kSeconds : kMicroseconds;
  std::string time = format_rfc3339(entry.time).substr(0, size) + "Z";
  return fmt::format("<{}>1 {} {} {} {} {} - {}", priority, time, header.hostname, header.tag,
                     header.pid, header.tag, text);
}

Result<std::unique_ptr<LogDriver>> make_syslog_driver(const LogPlan& plan, LogEnd end) {
  SyslogHeader header;
  std::string format = plan.setting("format");
  for (const FormatWord& each : kFormatWords) {
    if (each.word == format) header.format = each.format;
  }
  header.facility = static_cast<int>(parse_u64(plan.setting("facility")).value_or(3));
  header.hostname = plan.setting("hostname");
  header.tag = plan.setting("tag");
  header.pid = sys::own_pid();
  LogConnection connection(plan.receiver, {}, end);
  TRY(connection.open());
  bool is_stream = plan.receiver.transport == sys::Transport::kTcp ||
                   plan.receiver.transport == sys::Transport::kUnixStream;
  return std::unique_ptr<LogDriver>(
      std::make_unique<SyslogDriver>(std::move(header), is_stream, std::move(connection)));
}

}  // namespace berth::runtime
