#include "runtime/log_journald.h"

#include "runtime/log_connection.h"

#include <cctype>
#include <utility>

namespace berth::runtime {
namespace {

// Names of fields are capitals, digits and underscores, and those that begin with an underscore are
// the journal's own.
std::string field_name_of(std::string_view name) {
  std::string field;
  for (char c : name) {
    auto byte = static_cast<unsigned char>(c);
    char mapped = std::isalnum(byte) != 0 ? static_cast<char>(std::toupper(byte)) : '_';
    if (field.empty() && mapped == '_') continue;
    field += mapped;
  }
  return field;
}

class JournaldDriver final : public LogDriver {
 public:
  JournaldDriver(const LogPlan& plan, LogConnection connection)
      : connection_(std::move(connection)) {
    for (const auto& [name, value] : plan.settings) fields_ += render_journal_field(name, value);
    for (const auto& [name, value] : plan.attributes) {
      std::string field = field_name_of(name);
      if (!field.empty()) fields_ += render_journal_field(field, value);
    }
  }

  Status write(std::vector<LogEntry> entries) override {
    Status all;
    for (const LogEntry& entry : entries) {
      auto sent = connection_.send(render(entry), "");
      if (!sent) all = std::move(sent);
    }
    return all;
  }

 private:
  std::string render(const LogEntry& entry) const {
    std::string_view text = entry.text;
    bool is_piece = !text.ends_with('\n');
    if (!is_piece) text.remove_suffix(1);
    std::string datagram = fields_;
    datagram += render_journal_field("PRIORITY", entry.stream == LogStream::kStdout ? "6" : "3");
    datagram += render_journal_field("SYSLOG_TIMESTAMP", format_rfc3339(entry.time));
    if (is_piece) datagram += render_journal_field("CONTAINER_PARTIAL_MESSAGE", "true");
    return datagram + render_journal_field("MESSAGE", text);
  }

  LogConnection connection_;
  std::string fields_;  // the same in each entry
};

}  // namespace

std::string render_journal_field(std::string_view name, std::string_view value) {
  std::string field(name);
  if (value.find('\n') == std::string_view::npos) {
    return field.append("=").append(value).append("\n");
  }
  field += '\n';
  for (int shift = 0; shift < 64; shift += 8) {
    field += static_cast<char>((static_cast<uint64_t>(value.size()) >> shift) & 0xff);
  }
  return field.append(value).append("\n");
}

Result<std::unique_ptr<LogDriver>> make_journald_driver(const LogPlan& plan, LogEnd end) {
  LogConnection connection(plan.receiver, {}, end);
  auto opened = connection.open();
  if (!opened) return wrap(std::move(opened).error(), "journald is not enabled on this host");
  return std::unique_ptr<LogDriver>(std::make_unique<JournaldDriver>(plan, std::move(connection)));
}

}  // namespace berth::runtime
