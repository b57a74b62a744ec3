// The options of log drivers: which there are, what is wrong with them, and what they mean. Drivers
// take what Docker's take; what ECS says about them itself is in its words.
#pragma once

#include "scheduler/finding.h"
#include "scheduler/log_receiver.h"
#include "scheduler/task_definition.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace berth::scheduler {

struct LogProblem {
  std::string option{};  // "": about the options as a whole
  std::string message{};
  Refuser refused_by = Refuser::kAws;
};
// "true", "1", "F" and the like, as Go's strconv.ParseBool.
std::optional<bool> parse_log_flag(std::string_view text);

// Of a driver that berth has.
std::vector<LogProblem> check_log_options(const LogConfiguration& log);

// Whether the driver takes an option of that name, and whether its value may come from a secret.
bool is_log_option(const std::string& driver, const std::string& name);
bool may_be_secret(const std::string& driver, const std::string& name);

// Drivers that berth delivers to.
bool is_log_driver(const std::string& name);
// Why others that ECS knows are not.
const char* why_no_log_driver();

// How the log is delivered. For options without a problem.
struct LogDelivery {
  bool blocking = true;
  uint64_t buffer_bytes = 0;
};
LogDelivery log_delivery_of(const LogConfiguration& log);

// How the local file is rotated.
struct LogRotation {
  uint64_t max_bytes = 0;  // 0: never
  uint32_t max_files = 1;
  bool compress = false;
};
LogRotation log_rotation_of(const LogConfiguration& log);

// Where awslogs puts its events.
struct AwslogsTarget {
  std::string region{};
  std::string group{};
  std::string stream_prefix{};  // "": the stream is named after the container's id
  bool create_group = false;
  std::string event_pattern{};  // base/pattern.h; "": each line is an event
};
AwslogsTarget awslogs_target_of(const LogConfiguration& log);

// Where a driver that sends lines elsewhere sends them; nothing: to the log daemon of this host.
std::optional<LogAddress> log_address_of(const LogConfiguration& log);
// Its options as runtime/log_syslog.h, log_fluentd.h and log_gelf.h have them.
std::map<std::string, std::string> log_settings_of(const LogConfiguration& log);

// "a,b" as a list; "" when the option is absent.
std::vector<std::string> log_words_of(const LogConfiguration& log, const std::string& option);

}  // namespace berth::scheduler
