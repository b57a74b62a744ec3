// berth system sweep, and how every command reports a failure.
#include "tools/system_commands.h"
#include "agent/paths.h"
#include "agent/teardown.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "tools/commands.h"

#include <cstdio>

namespace berth::tools {

int sweep_command(const agent::Config& config, std::chrono::milliseconds delay) {
  sys::pause_for(delay);
  if (!sys::exists(agent::paths_of(config).tasks())) return 0;  // no task ever ran here
  auto swept = agent::sweep_instance(config, netns::Retired::kSweep);
  return swept ? 0 : report(swept.error());
}

int report(const Error& error) {
  std::fprintf(stderr, "berth: %s\n", error.text.c_str());
  return kExitFailure;
}

int exit_code(const Status& status) {
  return status ? 0 : report(status.error());
}

}  // namespace berth::tools
