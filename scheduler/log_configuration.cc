#include "scheduler/log_configuration.h"

#include "base/pattern.h"
#include "base/text.h"
#include "scheduler/firelens.h"
#include "scheduler/log_datetime.h"
#include "scheduler/log_receiver.h"
#include "scheduler/log_tag.h"
#include "scheduler/sizes.h"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <limits>
#include <optional>
#include <string_view>

namespace berth::scheduler {
namespace {

constexpr size_t kOptionShown = 60;
constexpr size_t kLogGroupNameMax = 512;
constexpr size_t kStreamPrefixMax = 200;             // a stream's name has 512, a container's 255
constexpr uint32_t kDecimal = 1000;                  // Docker's max-size counts so,
constexpr uint32_t kBinary = 1024;                   // and its max-buffer-size so
constexpr uint64_t kBufferBytes = 10 * 1024 * 1024;  // ECS's
// Lines for a log router are counted, as with the ECS agent; but a router that hangs must not cost
// the host whatever a container prints.
constexpr uint64_t kRouterBufferBytes = 64 * 1024 * 1024;

struct DriverOptions {
  std::string_view driver;
  std::vector<std::string_view> options;
};

// Those of every driver.
const std::vector<std::string_view> kCommonOptions = {"mode", "max-buffer-size"};

const std::vector<DriverOptions>& driver_options() {
  static const std::vector<DriverOptions> kOptions = {
      {"json-file",
       {"max-size", "max-file", "compress", "labels", "labels-regex", "env", "env-regex", "tag"}},
      {"awslogs",
       {"awslogs-group", "awslogs-region", "awslogs-stream-prefix", "awslogs-create-group",
        "awslogs-datetime-format", "awslogs-multiline-pattern"}},
      {"syslog",
       {"syslog-address", "syslog-facility", "syslog-format", "syslog-tls-ca-cert",
        "syslog-tls-cert", "syslog-tls-key", "syslog-tls-skip-verify", "labels", "labels-regex",
        "env", "env-regex", "tag"}},
      {"journald", {"labels", "labels-regex", "env", "env-regex", "tag"}},
      {"fluentd",
       {"fluentd-address", "fluentd-async", "fluentd-async-connect", "fluentd-buffer-limit",
        "fluentd-max-retries", "fluentd-request-ack", "fluentd-retry-wait",
        "fluentd-sub-second-precision", "fluentd-write-timeout", "fluentd-async-reconnect-interval",
        "labels", "labels-regex", "env", "env-regex", "tag"}},
      {"gelf",
       {"gelf-address", "gelf-compression-type", "gelf-compression-level", "gelf-tcp-max-reconnect",
        "gelf-tcp-reconnect-delay", "labels", "labels-regex", "env", "env-regex", "tag"}},
  };
  return kOptions;
}

const std::string* find_option(const LogConfiguration& log, const std::string& name) {
  auto found = log.options.find(name);
  return found == log.options.end() ? nullptr : &found->second;
}

bool is_log_group_name(std::string_view name) {
  constexpr std::string_view kMore = ".-_/#";
  return name.size() <= kLogGroupNameMax && std::all_of(name.begin(), name.end(), [&](char c) {
           return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
                  kMore.find(c) != std::string_view::npos;
         });
}

// What names the stream: it is made, and followed, by those who know no secret.
constexpr std::string_view kPlaces[] = {"awslogs-group", "awslogs-region", "awslogs-stream-prefix",
                                        "awslogs-create-group"};

bool has_option(const std::vector<std::string_view>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

class OptionsCheck {
 public:
  explicit OptionsCheck(const LogConfiguration& log) : log_(log) {}

  std::vector<LogProblem> run() {
    if (log_.driver == kFirelensDriver) {
      check_firelens();
      return std::move(problems_);
    }
    check_names();
    check_mode();
    check_rotation();
    check_attributes();
    check_awslogs();
    check_syslog();
    check_fluentd();
    check_gelf();
    return std::move(problems_);
  }

 private:
  const std::string* find(const char* option) const { return find_option(log_, option); }
  void add(const std::string& option, std::string message) {
    problems_.push_back({option, std::move(message)});
  }

  void check_names() {
    std::vector<std::string> unknown;
    for (const auto& [name, value] : log_.options) {
      if (!is_log_option(log_.driver, name)) unknown.push_back(printable(name, kOptionShown));
    }
    if (unknown.empty()) return;
    add("", fmt::format("Log driver {} disallows options: {}", log_.driver, join(unknown, ", ")));
  }

  bool is_secret(std::string_view option) const {
    return std::any_of(log_.secret_options.begin(), log_.secret_options.end(),
                       [&](const SecretVariable& secret) { return secret.name == option; });
  }

  void check_mode() {
    const std::string* mode = find("mode");
    if (mode != nullptr && *mode != "blocking" && *mode != "non-blocking") {
      add("mode", fmt::format("logging mode not supported: {}; it is blocking or non-blocking",
                              printable(*mode, kOptionShown)));
    }
    const std::string* size = find("max-buffer-size");
    if (size == nullptr) return;
    if (mode != nullptr && *mode == "blocking") {
      add("max-buffer-size", "max-buffer-size option is only supported with 'mode=non-blocking'");
    }
    check_size("max-buffer-size", kBinary);
  }

  void check_size(const char* option, uint32_t unit) {
    const std::string* size = find(option);
    if (size == nullptr) return;
    auto bytes = parse_docker_size(*size, unit);
    if (!bytes) {
      add(option, fmt::format("invalid size: '{}'; it is a number of bytes, or one with k, m or g, "
                              "as in 10m",
                              printable(*size, kOptionShown)));
    } else if (*bytes == 0) {
      add(option, fmt::format("{} must be a positive number", option));
    }
  }

  void check_flag(const char* option) {
    const std::string* flag = find(option);
    if (flag == nullptr || parse_log_flag(*flag)) return;
    add(option, fmt::format("must be true or false, not '{}'", printable(*flag, kOptionShown)));
  }

  void check_rotation() {
    check_size("max-size", kDecimal);
    check_flag("compress");
    const std::string* files = find("max-file");
    if (files != nullptr) {
      auto count = parse_i64(*files);
      if (!count || *count > std::numeric_limits<int32_t>::max()) {
        add("max-file", fmt::format("must be a number, not '{}'", printable(*files, kOptionShown)));
      } else if (*count < 1) {
        add("max-file", "max-file cannot be less than 1");
      }
    }
    if (is_secret("max-file") || is_secret("max-size")) return;  // told when they are known
    LogRotation rotation = log_rotation_of(log_);
    if (rotation.compress && (rotation.max_files < 2 || rotation.max_bytes == 0)) {
      add("compress",
          "compress cannot be true when max-file is less than 2 or max-size is not set");
    }
  }

  void check_attributes() {
    for (const char* option : {"labels-regex", "env-regex"}) {
      const std::string* pattern = find(option);
      if (pattern == nullptr) continue;
      auto parsed = Pattern::parse(*pattern);
      if (!parsed) add(option, parsed.error().text);
    }
    const std::string* tag = find("tag");
    if (tag == nullptr) return;
    auto rendered = render_log_tag(*tag, {});
    if (!rendered) add("tag", rendered.error().text);
  }

  void check_awslogs() {
    if (log_.driver != "awslogs") return;
    const std::string* group = find("awslogs-group");
    if (group != nullptr && !group->empty() && !is_log_group_name(*group)) {
      add("awslogs-group", fmt::format("'{}' is no name of a log group: 1 to 512 letters, digits, "
                                       "'.', '-', '_', '/' and '#'",
                                       printable(*group, kOptionShown)));
    }
    const std::string* prefix = find("awslogs-stream-prefix");
    bool bad_prefix = prefix != nullptr && (prefix->size() > kStreamPrefixMax ||
                                            prefix->find_first_of(":*") != std::string::npos);
    if (bad_prefix) {
      add("awslogs-stream-prefix",
          fmt::format("must be at most {} characters without ':' and '*'", kStreamPrefixMax));
    }
    const std::string* create = find("awslogs-create-group");
    if (create != nullptr && *create != "true") {
      add("awslogs-create-group",
          "Log driver awslogs option 'awslogs-create-group' should only be set to 'true', else "
          "omit option.");
    }
    check_event_beginning();
  }

  void check_event_beginning() {
    const std::string* format = find("awslogs-datetime-format");
    const std::string* pattern = find("awslogs-multiline-pattern");
    if (format != nullptr && pattern != nullptr) {
      add("awslogs-multiline-pattern",
          "you cannot configure log opt 'awslogs-datetime-format' and "
          "'awslogs-multiline-pattern' at the same time");
    }
    if (format != nullptr) {
      auto parsed = pattern_of_datetime(*format);
      if (!parsed) add("awslogs-datetime-format", parsed.error().text);
    }
    if (pattern != nullptr) {
      auto parsed = Pattern::parse(*pattern);
      if (!parsed) add("awslogs-multiline-pattern", parsed.error().text);
    }
  }

  void check_syslog() {
    const std::string* address = find("syslog-address");
    if (address != nullptr) note(parse_syslog_address(*address), "syslog-address");
    const std::string* facility = find("syslog-facility");
    if (facility != nullptr && !parse_syslog_facility(*facility)) {
      add("syslog-facility",
          fmt::format("invalid syslog facility '{}'; it is one of kern, user, mail, daemon, auth, "
                      "syslog, lpr, news, uucp, cron, authpriv, ftp, local0 to local7, or 0 to 23",
                      printable(*facility, kOptionShown)));
    }
    const std::string* format = find("syslog-format");
    bool is_known_format = format == nullptr || *format == "rfc3164" || *format == "rfc5424" ||
                           *format == "rfc5424micro";
    if (!is_known_format) {
      add("syslog-format", fmt::format("'{}' is not one of [rfc3164, rfc5424, rfc5424micro]",
                                       printable(*format, kOptionShown)));
    }
    for (const char* option :
         {"syslog-tls-ca-cert", "syslog-tls-cert", "syslog-tls-key", "syslog-tls-skip-verify"}) {
      if (find(option) == nullptr) continue;
      problems_.push_back(
          {option, "not supported: berth sends logs over no TLS yet", Refuser::kBerth});
    }
  }

  void check_fluentd() {
    const std::string* address = find("fluentd-address");
    if (address != nullptr) note(parse_fluentd_address(*address), "fluentd-address");
    for (const char* option : {"fluentd-async", "fluentd-async-connect", "fluentd-request-ack",
                               "fluentd-sub-second-precision"}) {
      check_flag(option);
    }
    for (const char* option : {"fluentd-retry-wait", "fluentd-write-timeout"}) {
      const std::string* text = find(option);
      if (text == nullptr || parse_go_duration_ms(*text)) continue;
      add(option, fmt::format("invalid duration '{}'; it is as in 500ms or 1m30s",
                              printable(*text, kOptionShown)));
    }
    for (const char* option : {"fluentd-max-retries", "fluentd-buffer-limit"}) {
      const std::string* text = find(option);
      auto number = text == nullptr ? std::nullopt : parse_u64(*text);
      if (text == nullptr || (number && *number <= std::numeric_limits<uint32_t>::max())) continue;
      add(option, fmt::format("must be a number, not '{}'", printable(*text, kOptionShown)));
    }
    if (find("fluentd-async-reconnect-interval") == nullptr) return;
    problems_.push_back({"fluentd-async-reconnect-interval",
                         "not supported: berth connects again when the connection is lost, not "
                         "from time to time",
                         Refuser::kBerth});
  }

  void check_gelf() {
    if (log_.driver != "gelf") return;
    const std::string* address = find("gelf-address");
    if (address == nullptr && !is_secret("gelf-address")) {
      add("gelf-address", "gelf-address is a required parameter");
    }
    std::string transport;  // "" while it is not known
    if (address != nullptr && !is_secret("gelf-address")) {
      auto parsed = parse_gelf_address(*address);
      note(parsed, "gelf-address");
      if (parsed) transport = parsed->transport;
    }
    check_gelf_compression(transport);
    for (const char* option : {"gelf-tcp-max-reconnect", "gelf-tcp-reconnect-delay"}) {
      const std::string* text = find(option);
      if (text == nullptr) continue;
      auto number = parse_u64(*text);
      if (transport == "udp") add(option, fmt::format("'{}' is only valid for TCP", option));
      if (!number || *number > std::numeric_limits<int32_t>::max()) {
        add(option, fmt::format("'{}' must be a positive integer, not '{}'", option,
                                printable(*text, kOptionShown)));
      }
    }
  }

  void check_gelf_compression(const std::string& transport) {
    for (const char* option : {"gelf-compression-type", "gelf-compression-level"}) {
      if (find(option) == nullptr || transport != "tcp") continue;
      add(option, "compression is only supported on UDP");
    }
    const std::string* type = find("gelf-compression-type");
    if (type != nullptr && *type != "gzip" && *type != "zlib" && *type != "none") {
      add("gelf-compression-type",
          fmt::format("'{}' is not one of [gzip, zlib, none]", printable(*type, kOptionShown)));
    }
    const std::string* level = find("gelf-compression-level");
    auto number = level == nullptr ? std::nullopt : parse_i64(*level);
    if (level != nullptr && (!number || *number < -1 || *number > 9)) {
      add("gelf-compression-level",
          fmt::format("must be a number from -1 to 9, not '{}'", printable(*level, kOptionShown)));
    }
  }

  // All others are the output plugin's, whatever they are called.
  void check_firelens() {
    const std::string* lines = find(kDriverBufferLimit);
    if (lines == nullptr) return;
    auto number = parse_u64(*lines);
    if (number && *number < kDriverBufferLinesEnd) return;
    add(kDriverBufferLimit,
        fmt::format("must be a number of lines, at least 0 and less than {}, not '{}'",
                    kDriverBufferLinesEnd, printable(*lines, kOptionShown)));
  }

  // What was found wrong with an address; berth's own limits are told as such.
  void note(const Result<LogAddress>& address, const char* option) {
    if (address) return;
    const Error& error = address.error();
    Refuser refuser = error.code == Errc::kUnsupported ? Refuser::kBerth : Refuser::kAws;
    problems_.push_back({option, error.text, refuser});
  }

  const LogConfiguration& log_;
  std::vector<LogProblem> problems_;
};

}  // namespace

std::optional<bool> parse_log_flag(std::string_view text) {
  for (std::string_view word : {"1", "t", "T", "TRUE", "true", "True"}) {
    if (text == word) return true;
  }
  for (std::string_view word : {"0", "f", "F", "FALSE", "false", "False"}) {
    if (text == word) return false;
  }
  return std::nullopt;
}

std::vector<LogProblem> check_log_options(const LogConfiguration& log) {
  return OptionsCheck(log).run();
}

bool is_log_option(const std::string& driver, const std::string& name) {
  if (driver == kFirelensDriver) return true;
  if (has_option(kCommonOptions, name)) return true;
  for (const DriverOptions& each : driver_options()) {
    if (each.driver == driver) return has_option(each.options, name);
  }
  return false;
}

bool may_be_secret(const std::string& driver, const std::string& name) {
  return driver != "awslogs" ||
         std::find(std::begin(kPlaces), std::end(kPlaces), name) == std::end(kPlaces);
}

bool is_log_driver(const std::string& name) {
  if (name == kFirelensDriver) return true;
  return std::any_of(driver_options().begin(), driver_options().end(),
                     [&](const DriverOptions& each) { return each.driver == name; });
}

const char* why_no_log_driver() {
  return "berth delivers logs to json-file, awslogs, syslog, journald, gelf, fluentd and "
         "awsfirelens";
}

LogDelivery log_delivery_of(const LogConfiguration& log) {
  // A router is never waited for, and `mode` is its output's.
  if (log.driver == kFirelensDriver) return {.blocking = false, .buffer_bytes = kRouterBufferBytes};
  const std::string* mode = find_option(log, "mode");
  // ECS's default since June 2025, "to prioritize task availability over logging". A file of ours
  // is never far away: there Docker's own holds, and no line is lost.
  bool waits_for_file = log.driver == "json-file" && find_option(log, "max-buffer-size") == nullptr;
  LogDelivery delivery;
  delivery.blocking = mode != nullptr ? *mode == "blocking" : waits_for_file;
  // What is sent behind the container's back is sent from a buffer.
  if (log_settings_of(log).contains("async")) delivery.blocking = false;
  if (delivery.blocking) return delivery;
  const std::string* size = find_option(log, "max-buffer-size");
  delivery.buffer_bytes =
      size == nullptr ? kBufferBytes : parse_docker_size(*size, kBinary).value_or(kBufferBytes);
  return delivery;
}

LogRotation log_rotation_of(const LogConfiguration& log) {
  LogRotation rotation;
  if (const std::string* size = find_option(log, "max-size")) {
    rotation.max_bytes = parse_docker_size(*size, kDecimal).value_or(0);
  }
  if (const std::string* files = find_option(log, "max-file")) {
    rotation.max_files = static_cast<uint32_t>(
        std::clamp<int64_t>(parse_i64(*files).value_or(1), 1, std::numeric_limits<int32_t>::max()));
  }
  if (const std::string* compress = find_option(log, "compress")) {
    rotation.compress = parse_log_flag(*compress).value_or(false);
  }
  return rotation;
}

AwslogsTarget awslogs_target_of(const LogConfiguration& log) {
  auto text = [&](const char* option) {
    const std::string* value = find_option(log, option);
    return value == nullptr ? std::string() : *value;
  };
  AwslogsTarget target;
  target.region = text("awslogs-region");
  target.group = text("awslogs-group");
  target.stream_prefix = text("awslogs-stream-prefix");
  target.create_group = text("awslogs-create-group") == "true";
  target.event_pattern = text("awslogs-multiline-pattern");
  std::string format = text("awslogs-datetime-format");
  if (!format.empty()) target.event_pattern = pattern_of_datetime(format).value_or("");
  return target;
}

std::optional<LogAddress> log_address_of(const LogConfiguration& log) {
  const std::string* syslog = find_option(log, "syslog-address");
  const std::string* fluentd = find_option(log, "fluentd-address");
  const std::string* gelf = find_option(log, "gelf-address");
  if (log.driver == "gelf") {
    auto address = parse_gelf_address(gelf == nullptr ? "" : *gelf);
    return address ? std::optional(*address) : std::nullopt;
  }
  if (log.driver == "fluentd") {
    auto address = parse_fluentd_address(fluentd == nullptr ? "127.0.0.1" : *fluentd);
    return address ? std::optional(*address) : std::nullopt;
  }
  if (syslog == nullptr) return std::nullopt;
  auto address = parse_syslog_address(*syslog);
  return address ? std::optional(*address) : std::nullopt;
}

std::map<std::string, std::string> log_settings_of(const LogConfiguration& log) {
  std::map<std::string, std::string> settings;
  auto flag = [&](const char* option) {
    const std::string* text = find_option(log, option);
    return text != nullptr && parse_log_flag(*text).value_or(false);
  };
  auto copy = [&](const char* option, const char* setting) {
    if (const std::string* text = find_option(log, option)) settings[setting] = *text;
  };
  auto duration = [&](const char* option, const char* setting) {
    const std::string* text = find_option(log, option);
    if (text == nullptr) return;
    settings[setting] = std::to_string(parse_go_duration_ms(*text).value_or(0));
  };
  if (log.driver == "syslog") {
    const std::string* facility = find_option(log, "syslog-facility");
    auto number = parse_syslog_facility(facility == nullptr ? "daemon" : *facility);
    settings["facility"] = std::to_string(number.value_or(0));
    copy("syslog-format", "format");
  }
  if (log.driver == "gelf") {
    copy("gelf-compression-type", "compression");
    copy("gelf-compression-level", "compression_level");
    copy("gelf-tcp-max-reconnect", "max_reconnect");
    if (const std::string* seconds = find_option(log, "gelf-tcp-reconnect-delay")) {
      settings["reconnect_delay_ms"] = std::to_string(parse_u64(*seconds).value_or(1) * 1000);
    }
  }
  if (log.driver == kFirelensDriver) {
    settings["async"] = "true";
    settings["sub_second"] = "true";
    settings["buffer_lines"] = std::to_string(kDriverBufferLines);
    copy(kDriverBufferLimit, "buffer_lines");
  }
  if (log.driver == "fluentd") {
    if (flag("fluentd-async") || flag("fluentd-async-connect")) settings["async"] = "true";
    if (flag("fluentd-request-ack")) settings["ack"] = "true";
    if (flag("fluentd-sub-second-precision")) settings["sub_second"] = "true";
    copy("fluentd-max-retries", "max_retries");
    copy("fluentd-buffer-limit", "buffer_lines");
    duration("fluentd-retry-wait", "retry_wait_ms");
    duration("fluentd-write-timeout", "write_timeout_ms");
  }
  return settings;
}

std::vector<std::string> log_words_of(const LogConfiguration& log, const std::string& option) {
  std::vector<std::string> words;
  const std::string* text = find_option(log, option);
  if (text == nullptr) return words;
  for (const std::string& word : split(*text, ',')) {
    if (!trim(word).empty()) words.emplace_back(trim(word));
  }
  return words;
}

}  // namespace berth::scheduler
