// LogPlan: where what a container prints goes, and whether the container waits for it. Part of its
// ContainerPlan (task_plan.h): parse_log_plan(render_log_plan(p)) == p.
#pragma once

#include "base/json.h"
#include "base/result.h"
#include "runtime/log_lines.h"
#include "sys/endpoint.h"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace berth::runtime {

enum class LogDriverKind : uint8_t { kJsonFile, kAwslogs, kSyslog, kJournald, kFluentd, kGelf };
enum class LogMode : uint8_t {
  kBlocking,     // the container waits while its output cannot be delivered
  kNonBlocking,  // what does not fit into the buffer is dropped
};

// A file that is rotated (log_file.h).
struct LogFilePlan {
  std::string path;
  uint64_t max_bytes = 0;  // it is never longer; 0: it is not rotated
  uint32_t max_files = 1;  // kept, the current one counted; 0: all
  bool compress = false;   // all but the current one
  bool operator==(const LogFilePlan&) const = default;
};

// A setting: errors must not tell where the receiver is.
inline constexpr const char* kReceiverIsSecret = "receiver_is_secret";
inline constexpr const char* kSecretReceiver = "the receiver that a secret names is not reached";

struct LogPlan {
  LogDriverKind driver = LogDriverKind::kJsonFile;
  LogMode mode = LogMode::kBlocking;
  uint64_t buffer_bytes = 0;  // of kNonBlocking
  uint64_t buffer_lines = 0;  // the same, counted; 0: whatever fits
  uint64_t line_max = kLogLineMax;
  LogFilePlan file;
  std::vector<std::pair<std::string, std::string>> attributes;  // told with each line
  std::string event_pattern;  // kAwslogs: how an event of several lines begins; "": each is one
  // Of those that send elsewhere, which keep a copy in `file` as well:
  sys::Endpoint receiver;
  std::map<std::string, std::string> settings;  // each driver's own
  bool operator==(const LogPlan&) const = default;

  // "" when it is not set.
  std::string setting(const std::string& name) const;
};

nlohmann::ordered_json render_log_plan(const LogPlan& plan);
Result<LogPlan> parse_log_plan(const berth::json::Node& node);

}  // namespace berth::runtime
