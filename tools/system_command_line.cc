// The command line of `berth system`.
#include "tools/command_line.h"
#include "tools/system_commands.h"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <memory>
#include <string>

namespace berth::tools {
namespace {

void add_config(CLI::App& system, Command& chosen) {
  system.add_subcommand("config", "Print the configuration in force")->callback([&chosen] {
    chosen = [](const agent::Config& config) {
      std::fputs(agent::render_config(config).c_str(), stdout);
      return 0;
    };
  });
}

void add_sweep(CLI::App& system, Command& chosen) {
  CLI::App* sweep =
      system.add_subcommand("sweep", "Remove what dead tasks of this instance left behind");
  auto delay_ms = std::make_shared<unsigned>(0);  // lives as long as the callback
  sweep->add_option("--delay", *delay_ms, "wait for so many milliseconds first");
  sweep->callback([delay_ms, &chosen] {
    chosen = [delay_ms](const agent::Config& config) {
      return sweep_command(config, std::chrono::milliseconds(*delay_ms));
    };
  });
}

void add_endpoint(CLI::App& system, Command& chosen) {
  CLI::App* endpoint = system.add_subcommand("endpoint")->group("");
  auto task = std::make_shared<std::string>();  // lives as long as the callback
  endpoint->add_option("TASK", *task)->required();
  endpoint->callback([task, &chosen] {
    chosen = [task](const agent::Config& config) { return endpoint_command(config, *task); };
  });
}

void add_session(CLI::App& system, Command& chosen) {
  system.add_subcommand("session")->group("")->callback(
      [&chosen] { chosen = [](const agent::Config& config) { return session_command(config); }; });
}

void add_format(CLI::App& command, bool& json) {
  command
      .add_option_function<std::string>(
          "--format", [&json](const std::string& format) { json = format == "json"; },
          "table or json")
      ->check(CLI::IsMember({"table", "json"}));
}

void add_clock(CLI::App& system, Command& chosen) {
  CLI::App* clock = system.add_subcommand(
      "clock", "Show what time it is for a berthd with --virtual-clock, or move it");
  auto options = std::make_shared<ClockOptions>();
  CLI::App* advance =
      clock->add_subcommand("advance", "Go ahead, through all that is due meanwhile");
  advance->add_option("DURATION", options->advance, "90s, 30m, 12h, 7d")->required();
  add_format(*clock, options->json);
  add_format(*advance, options->json);
  clock->callback([options, &chosen] {
    chosen = [options](const agent::Config& config) { return clock_command(config, *options); };
  });
}

void add_df(CLI::App& system, Command& chosen) {
  CLI::App* df = system.add_subcommand("df", "Show what takes the room on disk");
  auto options = std::make_shared<DfOptions>();
  df->add_flag("-v,--verbose", options->verbose, "each image, layer and task");
  add_format(*df, options->json);
  df->callback([options, &chosen] {
    chosen = [options](const agent::Config& config) { return df_command(config, *options); };
  });
}

void add_prune(CLI::App& system, Command& chosen) {
  CLI::App* prune = system.add_subcommand(
      "prune", "Remove layers and blobs that no image names, and the images that are asked for");
  auto options = std::make_shared<PruneOptions>();
  prune->add_flag("-a,--all", options->all, "images too, all that no task uses");
  prune->add_option("--until", options->until,
                    "images that were not used for so long: 90s, 30m, 12h, 7d");
  prune->add_option("--keep-size", options->keep_size,
                    "images, least recently used first, until the store is no larger: 500M, 2G");
  prune->add_flag("--dry-run", options->dry_run, "say what would go and what stays, and why");
  prune->add_flag("--automatic", options->automatic, "as imageCleanup of the configuration says")
      ->group("");
  add_format(*prune, options->json);
  prune->callback([options, &chosen] {
    chosen = [options](const agent::Config& config) { return prune_command(config, *options); };
  });
}

void add_check(CLI::App& system, Command& chosen) {
  CLI::App* check =
      system.add_subcommand("check", "Compare the store with what was pulled, byte by byte");
  auto options = std::make_shared<CheckOptions>();
  check->add_flag("--repair", options->repair, "fetch damaged blobs again, rebuild damaged layers");
  add_format(*check, options->json);
  check->callback([options, &chosen] {
    chosen = [options](const agent::Config& config) { return check_command(config, *options); };
  });
}

}  // namespace

void add_system_commands(CLI::App& app, Command& chosen) {
  CLI::App* system = app.add_subcommand("system", "Look after this instance");
  system->require_subcommand(1);
  add_config(*system, chosen);
  add_sweep(*system, chosen);
  add_endpoint(*system, chosen);
  add_session(*system, chosen);
  add_clock(*system, chosen);
  add_df(*system, chosen);
  add_prune(*system, chosen);
  add_check(*system, chosen);
}

}  // namespace berth::tools
