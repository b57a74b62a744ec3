// The command line of what has to do with berthd.
#include "tools/command_line.h"
#include "tools/commands.h"

#include <CLI/CLI.hpp>

namespace berth::tools {

void add_daemon_commands(CLI::App& app, Command& chosen) {
  app.add_subcommand("env", "Print what a shell needs for Amazon's tools to speak to berthd")
      ->callback([&chosen] { chosen = env_command; });
}

}  // namespace berth::tools
