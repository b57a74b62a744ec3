// The commands of `berth`: one function each. They return the exit code.
//
//   0    done
//   125  berth itself failed: bad arguments, bad input, no image, no permission
//   else `berth run`: the exit code of the essential container that ended the task
#pragma once

#include "agent/config.h"

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace berth::tools {

constexpr int kExitFailure = 125;

struct RunOptions {
  std::string file;              // the task definition; "-" is standard input
  std::string overrides;         // a file with RunTask's `overrides`, or ""
  std::vector<std::string> env;  // "K=V", for every container
  std::string container;         // show only this one's log, unprefixed; "" shows all
  bool userns_host = false;
  bool timing = false;
  std::vector<std::string> sweeper;  // `berth system sweep` of the same instance
};

int run_command(const agent::Config& config, const RunOptions& options);

int pull_command(const agent::Config& config, const std::string& reference);
int import_command(const agent::Config& config, const std::string& tar,
                   const std::string& reference);

struct ImagesOptions {
  bool digests = false;  // whole digests in the table
  bool json = false;
};
int images_command(const agent::Config& config, const ImagesOptions& options);
int tag_command(const agent::Config& config, const std::string& source, const std::string& target);
// By names or digests.
int rmi_command(const agent::Config& config, const std::vector<std::string>& images);
// Waits for `delay` first: a task that starts meanwhile finds bridge and tables in place.
int sweep_command(const agent::Config& config, std::chrono::milliseconds delay);

// "berth: <text>" on standard error; returns kExitFailure.
int report(const Error& error);
// 0, or what report() returns.
int exit_code(const Status& status);

}  // namespace berth::tools
