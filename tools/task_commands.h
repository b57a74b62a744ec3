// The commands for tasks that run: one function each. They return the exit code.
#pragma once

#include "agent/config.h"

#include <optional>
#include <string>
#include <vector>

namespace berth::tools {

constexpr size_t kShortTaskId = 12;  // digits of an id in tables

// A task is named by its id, its ARN, the beginning of an id, or its family when only one task is
// of that.

struct PsOptions {
  bool all = false;    // detached tasks that have stopped, too
  bool quiet = false;  // ids only
  bool json = false;
};
int ps_command(const agent::Config& config, const PsOptions& options);
int inspect_command(const agent::Config& config, const std::vector<std::string>& tasks);

struct StopOptions {
  std::vector<std::string> tasks;
  bool kill = false;  // SIGKILL at once instead of stop signal and stopTimeout
};
// Waits until they have stopped.
int stop_command(const agent::Config& config, const StopOptions& options);

struct LogsOptions {
  std::string task;
  std::string container;  // only this one's, unprefixed; "" is all
  bool follow = false;
  bool timestamps = false;
  std::optional<uint64_t> tail;  // the last so many lines
};
int logs_command(const agent::Config& config, const LogsOptions& options);

struct ExecOptions {
  std::string task;
  std::string container;  // "" is the only one, or the first essential one
  std::vector<std::string> command;
  std::vector<std::string> env;  // "K=V"
  std::string user;
  std::string directory;
  bool terminal = false;
};
// The exit code of the command; kExitFailure when it could not be run.
int exec_command(const agent::Config& config, const ExecOptions& options);

struct AttachOptions {
  std::string task;
  std::string container;    // "" is the only one, or the first essential one
  std::string keys;         // DetachKeys::parse
  bool no_input = false;    // our standard input is not for it
  bool no_signals = false;  // signals end us and are not passed on
};
// Its output from now on, and our input. The exit code of the container; 0 when the keys were
// typed.
int attach_command(const agent::Config& config, const AttachOptions& options);

struct ExplainOptions {
  std::string subject;    // a task that runs, or the file of a definition; "-" is standard input
  std::string overrides;  // of a definition, as for berth run
  std::string volumes;    // likewise
  std::vector<std::string> env;
  std::string container;  // only this one's steps; "" is all
  bool userns_host = false;
  bool json = false;
};
// How a task is made, step by step; of one that runs also whether each step can be seen. 0, or 1
// when one cannot.
int explain_command(const agent::Config& config, const ExplainOptions& options);

struct WhyOptions {
  std::string task;
  bool json = false;
};
// Why a task is as it is: what decided its end or what it waits for, and what happened up to here.
int why_command(const agent::Config& config, const WhyOptions& options);
// berth why rule/NAME: how a rule of EventBridge fared since berthd began.
int why_rule_command(const agent::Config& config, const std::string& rule, bool json);

struct StatsOptions {
  std::vector<std::string> tasks;  // none: all
  bool once = false;               // one table instead of one each second
  bool json = false;               // a line per container
};
int stats_command(const agent::Config& config, const StatsOptions& options);

}  // namespace berth::tools
