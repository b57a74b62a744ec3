// The command line of `berth task-def`.
#include "tools/command_line.h"
#include "tools/commands.h"

#include <CLI/CLI.hpp>

#include <memory>
#include <string>

namespace berth::tools {

void add_task_def_commands(CLI::App& app, Command& chosen) {
  CLI::App* task_def = app.add_subcommand("task-def", "Look at task definitions");
  task_def->require_subcommand(1);
  CLI::App* validate = task_def->add_subcommand(
      "validate", "Say all that is wrong with a task definition, without running it");
  auto options = std::make_shared<ValidateOptions>();  // lives as long as the callback
  validate->add_option("FILE", options->file, "as for berth run; - is standard input")->required();
  validate
      ->add_option_function<std::string>(
          "--launch-type",
          [options](const std::string& word) {
            options->launch_type =
                word == "fargate" ? scheduler::LaunchType::kFargate : scheduler::LaunchType::kEc2;
          },
          "fargate or ec2, whatever requiresCompatibilities says")
      ->check(CLI::IsMember({"fargate", "ec2"}));
  validate
      ->add_option_function<std::string>(
          "--format", [options](const std::string& format) { options->json = format == "json"; },
          "table or json")
      ->check(CLI::IsMember({"table", "json"}));
  validate->callback([options, &chosen] {
    chosen = [options](const agent::Config&) { return validate_command(*options); };
  });
}

}  // namespace berth::tools
