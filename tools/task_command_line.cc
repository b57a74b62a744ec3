// The command line of the commands for tasks that run.
#include "tools/command_line.h"
#include "tools/detach_keys.h"
#include "tools/task_commands.h"

#include <CLI/CLI.hpp>

#include <memory>

namespace berth::tools {
namespace {

constexpr const char* kTaskHelp = "id of the task, the beginning of one, or its family";

void add_ps(CLI::App& app, Command& chosen) {
  CLI::App* ps = app.add_subcommand("ps", "List the tasks of this instance");
  auto options = std::make_shared<PsOptions>();  // lives as long as the callback
  ps->add_flag("-a,--all", options->all, "detached tasks that have stopped within the hour, too");
  ps->add_flag("-q,--quiet", options->quiet, "print only the ids");
  ps->add_option_function<std::string>(
        "--format", [options](const std::string& format) { options->json = format == "json"; },
        "table or json")
      ->check(CLI::IsMember({"table", "json"}));
  ps->callback([options, &chosen] {
    chosen = [options](const agent::Config& config) { return ps_command(config, *options); };
  });
}

void add_inspect(CLI::App& app, Command& chosen) {
  CLI::App* inspect = app.add_subcommand("inspect", "Print all that is known of tasks, as JSON");
  auto tasks = std::make_shared<std::vector<std::string>>();
  inspect->add_option("TASK", *tasks, kTaskHelp)->required();
  inspect->callback([tasks, &chosen] {
    chosen = [tasks](const agent::Config& config) { return inspect_command(config, *tasks); };
  });
}

void add_stop(CLI::App& app, Command& chosen) {
  CLI::App* stop = app.add_subcommand(
      "stop", "Stop tasks: stop signal, stopTimeout, SIGKILL, in reverse order of their start");
  auto options = std::make_shared<StopOptions>();
  stop->add_option("TASK", options->tasks, kTaskHelp)->required();
  stop->add_flag("--kill", options->kill, "SIGKILL at once");
  stop->callback([options, &chosen] {
    chosen = [options](const agent::Config& config) { return stop_command(config, *options); };
  });
}

void add_logs(CLI::App& app, Command& chosen) {
  CLI::App* logs = app.add_subcommand("logs", "Show what the containers of a task have printed");
  auto options = std::make_shared<LogsOptions>();
  logs->add_option("TASK", options->task, kTaskHelp)->required();
  logs->add_option("--container", options->container, "only this one's, unprefixed");
  logs->add_flag("-f,--follow", options->follow, "go on until the task stops");
  logs->add_flag("-t,--timestamps", options->timestamps, "the time in front of each line");
  logs->add_option("-n,--tail", options->tail, "only the last so many lines");
  logs->callback([options, &chosen] {
    chosen = [options](const agent::Config& config) { return logs_command(config, *options); };
  });
}

void add_exec(CLI::App& app, Command& chosen) {
  CLI::App* exec = app.add_subcommand("exec", "Run a command in a container of a task");
  auto options = std::make_shared<ExecOptions>();
  exec->add_option("TASK", options->task, kTaskHelp)->required();
  exec->add_option("--container", options->container,
                   "which one; else the only one, or the first essential one");
  exec->add_flag("-t,--tty", options->terminal, "give it a terminal");
  exec->add_flag_callback(
      "-i,--interactive", [] {}, "as of docker exec: standard input is always passed on");
  exec->add_option("-e,--env", options->env, "K=V to add; may be repeated")
      ->allow_extra_args(false);
  exec->add_option("-u,--user", options->user, "USER[:GROUP], names or numbers of the container");
  exec->add_option("-w,--workdir", options->directory, "working directory");
  // What follows the task belongs to the program, options too.
  exec->prefix_command();
  exec->footer("Usage: berth exec [OPTIONS] TASK COMMAND [ARGUMENT...]");
  exec->callback([options, exec, &chosen] {
    options->command = exec->remaining();
    if (options->command.empty()) throw CLI::RequiredError("COMMAND");
    // An option that there is not was taken for the program's.
    const std::string& first = options->command.front();
    if (first.starts_with('-')) throw CLI::ExtrasError(std::vector<std::string>{first});
    chosen = [options](const agent::Config& config) { return exec_command(config, *options); };
  });
}

void add_attach(CLI::App& app, Command& chosen) {
  CLI::App* attach = app.add_subcommand(
      "attach", "Show what a container prints from now on, and type at it where it is interactive");
  auto options = std::make_shared<AttachOptions>();
  options->keys = kDetachKeysDefault;
  attach->add_option("TASK", options->task, kTaskHelp)->required();
  attach->add_option("CONTAINER", options->container,
                     "which one; else the only one, or the first essential one");
  attach->add_option("--detach-keys", options->keys,
                     "what leaves its terminal and lets it run on; \"\" is nothing");
  attach->add_flag("--no-stdin", options->no_input, "only look");
  attach->add_flag("--no-signals", options->no_signals,
                   "signals end the command, and are not passed on to the container");
  attach->callback([options, &chosen] {
    chosen = [options](const agent::Config& config) { return attach_command(config, *options); };
  });
}

void add_stats(CLI::App& app, Command& chosen) {
  CLI::App* stats =
      app.add_subcommand("stats", "Show what running containers use, anew each second");
  auto options = std::make_shared<StatsOptions>();
  stats->add_option("TASK", options->tasks, kTaskHelp);
  stats->add_flag("--no-stream", options->once, "one table, measured over a second");
  stats
      ->add_option_function<std::string>(
          "--format", [options](const std::string& format) { options->json = format == "json"; },
          "table or json (a line for each container)")
      ->check(CLI::IsMember({"table", "json"}));
  stats->callback([options, &chosen] {
    chosen = [options](const agent::Config& config) { return stats_command(config, *options); };
  });
}

void add_why(CLI::App& app, Command& chosen) {
  CLI::App* why = app.add_subcommand(
      "why", "Say why a task runs, waits or has stopped, and what happened to it");
  auto options = std::make_shared<WhyOptions>();
  why->add_option(
         "TASK", options->task,
         std::string(kTaskHelp) + "; or service/NAME, service/CLUSTER/NAME, rule/NAME of berthd")
      ->required();
  why->add_option_function<std::string>(
         "--format", [options](const std::string& format) { options->json = format == "json"; },
         "text or json")
      ->check(CLI::IsMember({"text", "json"}));
  why->callback([options, &chosen] {
    chosen = [options](const agent::Config& config) { return why_command(config, *options); };
  });
}

void add_explain(CLI::App& app, Command& chosen) {
  CLI::App* explain = app.add_subcommand("explain",
                                         "Show how a task is made: each step, its system calls, "
                                         "what it protects, how to do it by hand");
  auto options = std::make_shared<ExplainOptions>();
  explain
      ->add_option(
          "SUBJECT", options->subject,
          "a task definition, as for berth run, or a task that runs: then each step is looked for")
      ->required();
  explain->add_option("--container", options->container, "only the steps of this one");
  explain->add_option("--overrides", options->overrides, "a file with RunTask's overrides");
  explain->add_option("--volume-configurations", options->volumes,
                      "a file with RunTask's volumeConfigurations, a list");
  explain->add_option("--env", options->env, "K=V for every container; may be repeated")
      ->allow_extra_args(false);
  explain
      ->add_option_function<std::string>(
          "--userns", [options](const std::string&) { options->userns_host = true; },
          "host: no user namespace")
      ->check(CLI::IsMember({"host"}));
  explain
      ->add_option_function<std::string>(
          "--format", [options](const std::string& format) { options->json = format == "json"; },
          "text or json")
      ->check(CLI::IsMember({"text", "json"}));
  explain->callback([options, &chosen] {
    chosen = [options](const agent::Config& config) { return explain_command(config, *options); };
  });
}

}  // namespace

void add_task_commands(CLI::App& app, Command& chosen) {
  add_ps(app, chosen);
  add_logs(app, chosen);
  add_exec(app, chosen);
  add_attach(app, chosen);
  add_stop(app, chosen);
  add_inspect(app, chosen);
  add_stats(app, chosen);
  add_explain(app, chosen);
  add_why(app, chosen);
}

}  // namespace berth::tools
