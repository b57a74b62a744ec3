// The options that every program of an instance has, and the configuration that follows from them.
#pragma once

#include "agent/config.h"
#include "base/result.h"

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace berth::tools {

struct GlobalOptions {
  std::string config;
  std::string root;
  std::string run;
  bool debug = false;
};

// --config, --root, --run, --debug; `options` must live as long as `app`.
void add_global_options(CLI::App& app, GlobalOptions& options);

// The configuration in force: defaults, then the file, then flags, then the programs beside us.
Result<agent::Config> effective_config(const GlobalOptions& options);

// `berth ...` of the same instance.
Result<std::vector<std::string>> own_command(const GlobalOptions& global,
                                             const agent::Config& config,
                                             const std::vector<std::string>& arguments);

// Long enough for the next start of a task, too short for anybody to miss a removed bridge.
inline constexpr const char* kSweeperDelayMs = "200";

}  // namespace berth::tools
