// berth system clock.
#include "tools/clock_control.h"
#include "tools/commands.h"
#include "tools/daemon_client.h"
#include "tools/quantity.h"
#include "tools/system_commands.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdio>

namespace berth::tools {
namespace {

Status move_clock(const agent::Config& config, const ClockOptions& options) {
  nlohmann::ordered_json answer;
  if (options.advance.empty()) {
    answer = TRY(get_from_daemon(config, ClockControl::kPath));
  } else {
    Duration by = TRY(parse_age(options.advance));
    auto seconds = std::chrono::duration_cast<std::chrono::seconds>(by).count();
    answer =
        TRY(post_to_daemon(config, fmt::format("{}?advance={}", ClockControl::kPath, seconds)));
  }
  if (options.json) {
    std::printf("%s\n", answer.dump(2).c_str());
  } else {
    std::printf("%s, ahead of the host by %.0f s\n", answer.value("now", "").c_str(),
                answer.value("ahead", 0.0));
  }
  return {};
}

}  // namespace

int clock_command(const agent::Config& config, const ClockOptions& options) {
  return exit_code(move_clock(config, options));
}

}  // namespace berth::tools
