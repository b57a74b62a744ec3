// The command line of what has to do with berthd.
#include "tools/command_line.h"
#include "tools/commands.h"

#include <CLI/CLI.hpp>

#include <memory>
#include <string>

namespace berth::tools {

namespace {

void add_daemon_events(CLI::App& app, Command& chosen) {
  CLI::App* events =
      app.add_subcommand("events", "Show what happens to the tasks, services and rules of berthd");
  auto options = std::make_shared<EventsOptions>();  // lives as long as the callback
  events->add_flag("-f,--follow", options->follow, "and what will happen, until Ctrl-C");
  CLI::Option* task = events->add_option("--task", options->task,
                                         "only of this task: its ARN, or the beginning of its id");
  CLI::Option* service =
      events->add_option("--service", options->service, "only of this service and its tasks")
          ->excludes(task);
  events->add_option("--rule", options->rule, "only of this rule of EventBridge")
      ->excludes(task)
      ->excludes(service);
  events
      ->add_option_function<std::string>(
          "--format", [options](const std::string& format) { options->json = format == "json"; },
          "text or json (a line for each event)")
      ->check(CLI::IsMember({"text", "json"}));
  events->callback([options, &chosen] {
    chosen = [options](const agent::Config& config) { return events_command(config, *options); };
  });
}

}  // namespace

void add_daemon_commands(CLI::App& app, Command& chosen) {
  app.add_subcommand("env", "Print what a shell needs for Amazon's tools to speak to berthd")
      ->callback([&chosen] { chosen = env_command; });
  add_daemon_events(app, chosen);
}

}  // namespace berth::tools
