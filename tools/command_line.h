// How commands get onto the command line of `berth`: each family adds its own, and the one that
// was asked for is left in `chosen`, to be run with the configuration in force.
#pragma once

#include "agent/config.h"

#include <functional>

namespace CLI {
class App;
}

namespace berth::tools {

// Returns the exit code.
using Command = std::function<int(const agent::Config& config)>;

// `chosen` is borrowed and must live as long as `app`.
void add_image_commands(CLI::App& app, Command& chosen);
void add_task_commands(CLI::App& app, Command& chosen);
void add_secrets_commands(CLI::App& app, Command& chosen);
void add_system_commands(CLI::App& app, Command& chosen);
void add_task_def_commands(CLI::App& app, Command& chosen);
void add_log_group_commands(CLI::App& app, Command& chosen);
void add_volume_commands(CLI::App& app, Command& chosen);
void add_service_commands(CLI::App& app, Command& chosen);
void add_daemon_commands(CLI::App& app, Command& chosen);

}  // namespace berth::tools
