// The commands for log groups, as CloudWatch Logs has them: what `aws logs` does there. They return
// the exit code.
#pragma once

#include "agent/config.h"

#include <cstdint>
#include <optional>
#include <string>

namespace berth::tools {

struct LogGroupOptions {
  std::string region;  // "" is the configuration's
  std::string group;
  std::optional<int64_t> retention_days;
  bool json = false;
};
int create_log_group_command(const agent::Config& config, const LogGroupOptions& options);
int remove_log_group_command(const agent::Config& config, const LogGroupOptions& options);
// `retention_days` absent: for ever.
int keep_log_group_command(const agent::Config& config, const LogGroupOptions& options);
int list_log_groups_command(const agent::Config& config, const LogGroupOptions& options);

struct LogEventsOptions {
  LogGroupOptions group;
  std::string stream_prefix;        // "" is all streams
  std::optional<int64_t> start_ms;  // since 1970
  std::optional<int64_t> end_ms;
};
int log_events_command(const agent::Config& config, const LogEventsOptions& options);

}  // namespace berth::tools
