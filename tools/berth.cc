// berth: the command line.
#include "agent/config.h"
#include "base/log.h"
#include "sys/file.h"
#include "tools/command_line.h"
#include "tools/commands.h"

#include <CLI/CLI.hpp>

#include <chrono>
#include <cstdio>
#include <memory>

namespace berth::tools {
namespace {

constexpr size_t kConfigMax = 1024 * 1024;
// Long enough for the next `berth run` of a script, too short for anybody to miss a removed bridge.
constexpr const char* kSweeperDelayMs = "200";

struct GlobalOptions {
  std::string config;
  std::string root;
  std::string run;
  bool debug = false;
};

// A file that holds keys must not be for everybody.
Status check_private(const std::string& path) {
  struct stat st = TRY(sys::stat(path));
  if ((st.st_mode & 077) == 0) return {};
  return fail(Errc::kInvalid,
              "{}: has keys in \"roles\" and may be read by others (mode {:04o}): chmod 600 it",
              path, st.st_mode & 07777);
}

// The configuration in force: defaults, then the file, then flags, then the programs beside us.
Result<agent::Config> effective_config(const GlobalOptions& options) {
  agent::Config config;
  bool named = !options.config.empty();
  std::string path = named ? options.config : agent::kConfigPath;
  if (named || sys::exists(path)) {
    config = TRY(agent::parse_config(TRY(sys::read_file(path, kConfigMax)), path));
    if (agent::holds_keys(config.roles)) TRY(check_private(path));
  }
  if (!options.root.empty()) config.root = options.root;
  if (!options.run.empty()) config.run = options.run;
  for (const std::string* directory : {&config.root, &config.run}) {
    if (directory->front() != '/') {
      return fail(Errc::kInvalid, "{}: --root and --run take absolute paths", *directory);
    }
  }
  if (config.oci_runtime.empty()) config.oci_runtime = TRY(agent::sibling_program("berth-oci"));
  if (config.shim.empty()) config.shim = TRY(agent::sibling_program("berth-shim"));
  if (config.init.empty()) config.init = TRY(agent::sibling_program("berth-init"));
  return config;
}

// `berth ...` of the same instance.
Result<std::vector<std::string>> own_command(const GlobalOptions& global,
                                             const agent::Config& config,
                                             const std::vector<std::string>& arguments) {
  std::vector<std::string> command = {TRY(agent::sibling_program("berth"))};
  if (!global.config.empty()) command.insert(command.end(), {"--config", global.config});
  command.insert(command.end(), {"--root", config.root, "--run", config.run});
  command.insert(command.end(), arguments.begin(), arguments.end());
  return command;
}

// `berth run` with the same options, to look after a detached task.
std::vector<std::string> keeper_arguments(const RunOptions& options) {
  std::vector<std::string> words = {"run", "--report", std::to_string(kKeeperReportFd)};
  if (!options.overrides.empty()) words.insert(words.end(), {"--overrides", options.overrides});
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
  app.add_option("--config", global.config, "configuration file (default /etc/berth/berth.json)");
  app.add_option("--root", global.root, "durable state (default /var/lib/berth)");
  app.add_option("--run", global.run, "state of this boot (default /run/berth)");
  app.add_flag("--debug", global.debug, "log what is done and why");

  add_run(app, global, chosen);
  add_task_commands(app, chosen);
  add_image_commands(app, chosen);
  add_task_def_commands(app, chosen);
  add_log_group_commands(app, chosen);
  add_secrets_commands(app, chosen);
  add_volume_commands(app, chosen);
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
