// The command line of `berth log-group`.
#include "tools/command_line.h"
#include "tools/log_group_commands.h"

#include <CLI/CLI.hpp>

#include <memory>
#include <string>

namespace berth::tools {
namespace {

using GroupCommand = int (*)(const agent::Config&, const LogGroupOptions&);

CLI::App* add_command(CLI::App& parent, const char* name, const char* help, Command& chosen,
                      const std::shared_ptr<LogGroupOptions>& options, GroupCommand command) {
  CLI::App* app = parent.add_subcommand(name, help);
  app->add_option("--region", options->region, "awslogs-region; else that of the configuration");
  app->callback([options, command, &chosen] {
    chosen = [options, command](const agent::Config& config) { return command(config, *options); };
  });
  return app;
}

void add_format(CLI::App* app, const std::shared_ptr<LogGroupOptions>& options) {
  app->add_option_function<std::string>(
         "--format", [options](const std::string& format) { options->json = format == "json"; },
         "table or json")
      ->check(CLI::IsMember({"table", "json"}));
}

void add_events(CLI::App& parent, Command& chosen) {
  CLI::App* app = parent.add_subcommand("events", "Show the events of a group, by their time");
  auto options = std::make_shared<LogEventsOptions>();
  app->add_option("GROUP", options->group.group)->required();
  app->add_option("--region", options->group.region,
                  "awslogs-region; else that of the configuration");
  app->add_option("--stream-prefix", options->stream_prefix, "only of streams that begin so");
  app->add_option("--start", options->start_ms, "milliseconds since 1970: from then on");
  app->add_option("--end", options->end_ms, "milliseconds since 1970: up to, and without");
  app->add_option_function<std::string>(
         "--format",
         [options](const std::string& format) { options->group.json = format == "json"; },
         "table, or json: an object a line")
      ->check(CLI::IsMember({"table", "json"}));
  app->callback([options, &chosen] {
    chosen = [options](const agent::Config& config) {
      return log_events_command(config, *options);
    };
  });
}

}  // namespace

void add_log_group_commands(CLI::App& app, Command& chosen) {
  CLI::App* parent = app.add_subcommand(
      "log-group", "Look after the log groups that the awslogs driver writes to");
  parent->require_subcommand(1);
  auto created = std::make_shared<LogGroupOptions>();  // lives as long as the callback
  CLI::App* create =
      add_command(*parent, "create", "Make a group", chosen, created, create_log_group_command);
  create->add_option("GROUP", created->group)->required();
  create->add_option("--retention", created->retention_days, "days that events are kept");
  auto listed = std::make_shared<LogGroupOptions>();
  CLI::App* list =
      add_command(*parent, "ls", "List the groups", chosen, listed, list_log_groups_command);
  list->add_option("PREFIX", listed->group, "only those that begin so");
  add_format(list, listed);
  auto kept = std::make_shared<LogGroupOptions>();
  CLI::App* keep = add_command(*parent, "keep", "Say for how long events are kept", chosen, kept,
                               keep_log_group_command);
  keep->add_option("GROUP", kept->group)->required();
  keep->add_option("--retention", kept->retention_days, "days; without it for ever");
  auto removed = std::make_shared<LogGroupOptions>();
  CLI::App* remove = add_command(*parent, "rm", "Remove a group and all that is in it", chosen,
                                 removed, remove_log_group_command);
  remove->add_option("GROUP", removed->group)->required();
  add_events(*parent, chosen);
}

}  // namespace berth::tools
