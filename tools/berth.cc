// berth: the command line.
#include "agent/config.h"
#include "base/log.h"
#include "tools/command_line.h"
#include "tools/commands.h"
#include "tools/effective_config.h"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <memory>

namespace berth::tools {
namespace {

// `berth run` with the same options, to look after a detached task.
std::vector<std::string> keeper_arguments(const RunOptions& options) {
  std::vector<std::string> words = {"run", "--report", std::to_string(kKeeperReportFd)};
  if (!options.overrides.empty()) words.insert(words.end(), {"--overrides", options.overrides});
  if (!options.volumes.empty()) {
    words.insert(words.end(), {"--volume-configurations", options.volumes});
  }
  for (const std::string& variable : options.env) words.insert(words.end(), {"--env", variable});
  for (const std::string& group : options.security_groups) {
    words.insert(words.end(), {"--security-group", group});
  }
  if (options.userns_host) words.insert(words.end(), {"--userns", "host"});
  words.insert(words.end(), {"--", options.file});
  return words;
}

int run_task(const agent::Config& config, const GlobalOptions& global, RunOptions options) {
  auto sweeper = own_command(global, config, {"system", "sweep", "--delay", kSweeperDelayMs});
  if (!sweeper) return report(sweeper.error());
  options.sweeper = std::move(*sweeper);
  auto cleaner = own_command(global, config, {"system", "prune", "--automatic"});
  if (!cleaner) return report(cleaner.error());
  options.cleaner = std::move(*cleaner);
  auto endpoint = own_command(global, config, {"system", "endpoint"});
  if (!endpoint) return report(endpoint.error());
  options.endpoint = std::move(*endpoint);
  auto keeper = own_command(global, config, keeper_arguments(options));
  if (!keeper) return report(keeper.error());
  options.keeper = std::move(*keeper);
  return run_command(config, options);
}

void add_run(CLI::App& app, const GlobalOptions& global, Command& chosen) {
  CLI::App* run = app.add_subcommand("run", "Run a task definition in the foreground");
  auto options = std::make_shared<RunOptions>();  // lives as long as the callback
  run->add_option("FILE", options->file,
                  "the JSON of `aws ecs register-task-definition --cli-input-json` or of "
                  "describe-task-definition; - is standard input")
      ->required();
  run->add_option("--overrides", options->overrides, "a file with RunTask's overrides");
  run->add_option("--volume-configurations", options->volumes,
                  "a file with RunTask's volumeConfigurations, a list");
  run->add_option("--env", options->env, "K=V for every container; may be repeated")
      ->allow_extra_args(false);
  run->add_option("--container", options->container, "show only this container's log, unprefixed");
  run->add_option_function<std::string>(
         "--userns", [options](const std::string&) { options->userns_host = true; },
         "host: no user namespace, ids of containers are ids of the host")
      ->check(CLI::IsMember({"host"}));
  run->add_option("--security-group", options->security_groups,
                  "a group of berth.json that says which packets come and go; up to five")
      ->allow_extra_args(false);
  run->add_flag("--timing", options->timing, "say where the milliseconds went");
  CLI::Option* detach = run->add_flag(
      "-d,--detach", options->detach,
      "print the task's id when it runs and leave it running: berth ps, logs, exec, stop");
  detach->excludes(run->get_option("--container"))->excludes(run->get_option("--timing"));
  run->add_option("--report", options->report_fd)->group("");
  run->callback([options, &global, &chosen] {
    chosen = [options, &global](const agent::Config& config) {
      return run_task(config, global, *options);
    };
  });
}

int execute(const GlobalOptions& global, const Command& chosen) {
  if (global.debug) log::set_level(log::Level::kDebug);
  auto config = effective_config(global);
  return config ? chosen(*config) : report(config.error());
}

}  // namespace

}  // namespace berth::tools

int main(int argc, char** argv) {
  using namespace berth::tools;
  GlobalOptions global;
  Command chosen;

  CLI::App app("berth runs Amazon ECS task definitions on this host", "berth");
  app.set_version_flag("--version", BERTH_VERSION);
  app.require_subcommand(1);
  add_global_options(app, global);

  add_run(app, global, chosen);
  add_task_commands(app, chosen);
  add_image_commands(app, chosen);
  add_task_def_commands(app, chosen);
  add_log_group_commands(app, chosen);
  add_secrets_commands(app, chosen);
  add_volume_commands(app, chosen);
  add_service_commands(app, chosen);
  add_daemon_commands(app, chosen);
  add_system_commands(app, chosen);

  try {
    app.parse(argc, argv);
    return execute(global, chosen);
  } catch (const CLI::ParseError& error) {
    int code = app.exit(error);
    return code == 0 ? 0 : kExitFailure;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "berth: internal: %s\n", error.what());
    return kExitFailure;
  }
}
