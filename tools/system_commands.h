// The commands of `berth system`: one function each. They return the exit code.
#pragma once

#include "agent/config.h"
#include "base/env.h"

#include <chrono>
#include <string>

namespace berth::tools {

// Waits for `delay` first: a task that starts meanwhile finds bridge and tables in place.
int sweep_command(const agent::Config& config, std::chrono::milliseconds delay);

int endpoint_command(const agent::Config& config, const std::string& task_id);
int session_command(const agent::Config& config);

// What berthd says the time is, after it went ahead by `advance` ("" for not at all).
struct ClockOptions {
  std::string advance;  // an age
  bool json = false;
};
int clock_command(const agent::Config& config, const ClockOptions& options);

struct DfOptions {
  bool verbose = false;
  bool json = false;
};
int df_command(const agent::Config& config, const DfOptions& options);

struct PruneOptions {
  bool all = false;
  std::string until;      // an age, or ""
  std::string keep_size;  // a size, or ""
  bool dry_run = false;
  bool json = false;
  bool automatic = false;  // as imageCleanup of berth.json says
};
int prune_command(const agent::Config& config, const PruneOptions& options);
// Whether imageCleanup asks for a cycle now.
bool cleanup_is_due(const agent::Config& config, WallTime now);

struct CheckOptions {
  bool repair = false;
  bool json = false;
};
// 0: all is well, or was repaired; 1: something is damaged.
int check_command(const agent::Config& config, const CheckOptions& options);

}  // namespace berth::tools
