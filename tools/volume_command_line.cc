// The command line of `berth volume`.
#include "tools/command_line.h"
#include "tools/volume_commands.h"

#include <CLI/CLI.hpp>

#include <memory>
#include <string>
#include <vector>

namespace berth::tools {
namespace {

using NamesCommand = int (*)(const agent::Config&, const std::vector<std::string>&);

void add_create_volume(CLI::App& parent, Command& chosen) {
  CLI::App* app = parent.add_subcommand("create", "Make a volume");
  auto options = std::make_shared<CreateVolumeOptions>();  // lives as long as the callback
  app->add_option("NAME", options->name)->required();
  app->add_option("--opt", options->driver_opts,
                  "type=, o= and device= as mount(8) takes them; may be repeated")
      ->allow_extra_args(false);
  app->add_option("--label", options->labels, "NAME=VALUE; may be repeated")
      ->allow_extra_args(false);
  app->callback([options, &chosen] {
    chosen = [options](const agent::Config& config) {
      return create_volume_command(config, *options);
    };
  });
}

void add_list_volumes(CLI::App& parent, Command& chosen) {
  CLI::App* app = parent.add_subcommand("ls", "List volumes");
  auto options = std::make_shared<ListVolumesOptions>();
  app->add_flag("--quiet", options->quiet, "names only");
  app->add_option_function<std::string>(
         "--format", [options](const std::string& format) { options->json = format == "json"; },
         "table or json")
      ->check(CLI::IsMember({"table", "json"}));
  app->callback([options, &chosen] {
    chosen = [options](const agent::Config& config) {
      return list_volumes_command(config, *options);
    };
  });
}

void add_names(CLI::App& parent, const char* name, const char* help, Command& chosen,
               NamesCommand command) {
  CLI::App* app = parent.add_subcommand(name, help);
  auto names = std::make_shared<std::vector<std::string>>();
  app->add_option("NAME", *names)->required();
  app->callback([names, command, &chosen] {
    chosen = [names, command](const agent::Config& config) { return command(config, *names); };
  });
}

}  // namespace

void add_volume_commands(CLI::App& app, Command& chosen) {
  CLI::App* parent = app.add_subcommand("volume", "Look after volumes that outlive their tasks");
  parent->require_subcommand(1);
  add_create_volume(*parent, chosen);
  add_list_volumes(*parent, chosen);
  add_names(*parent, "inspect", "Show all that is known of volumes", chosen,
            inspect_volumes_command);
  add_names(*parent, "rm", "Remove volumes that no task has, with what is in them", chosen,
            remove_volumes_command);
  CLI::App* prune = parent->add_subcommand("prune", "Remove all volumes that no task has");
  prune->callback([&chosen] { chosen = prune_volumes_command; });
}

}  // namespace berth::tools
