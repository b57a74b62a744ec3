// The command line of `berth secrets`.
#include "tools/command_line.h"
#include "tools/secrets_commands.h"

#include <CLI/CLI.hpp>

#include <memory>
#include <string>
#include <vector>

namespace berth::tools {
namespace {

void add_kind(CLI::App& command, bool& parameter) {
  command.add_flag("--parameter", parameter,
                   "a parameter of Systems Manager, not a secret of Secrets Manager");
}

secrets::SecretKind kind_of(bool parameter) {
  return parameter ? secrets::SecretKind::kParameter : secrets::SecretKind::kSecret;
}

void add_put(CLI::App& secrets, Command& chosen) {
  CLI::App* put = secrets.add_subcommand(
      "put", "Keep a value, read from standard input; what was there before becomes AWSPREVIOUS");
  struct Given {
    PutSecretOptions options;
    bool parameter = false;
  };
  auto given = std::make_shared<Given>();  // lives as long as the callback
  put->add_option("NAME", given->options.name.name)->required();
  add_kind(*put, given->parameter);
  put->add_option("--file", given->options.file,
                  "read the value from this file; - is standard input");
  put->add_flag("--exact", given->options.exact, "keep the line feed at the end of the value");
  put->callback([given, &chosen] {
    given->options.name.kind = kind_of(given->parameter);
    chosen = [given](const agent::Config& config) {
      return put_secret_command(config, given->options);
    };
  });
}

void add_list(CLI::App& secrets, Command& chosen) {
  CLI::App* list = secrets.add_subcommand("list", "List names and versions; never values");
  auto options = std::make_shared<ListSecretsOptions>();
  list->add_option_function<std::string>(
          "--format", [options](const std::string& format) { options->json = format == "json"; },
          "table or json")
      ->check(CLI::IsMember({"table", "json"}));
  list->callback([options, &chosen] {
    chosen = [options](const agent::Config& config) {
      return list_secrets_command(config, *options);
    };
  });
}

void add_rm(CLI::App& secrets, Command& chosen) {
  CLI::App* rm = secrets.add_subcommand("rm", "Forget secrets, with all their versions");
  struct Given {
    std::vector<std::string> names;
    bool parameter = false;
  };
  auto given = std::make_shared<Given>();
  rm->add_option("NAME", given->names)->required();
  add_kind(*rm, given->parameter);
  rm->callback([given, &chosen] {
    chosen = [given](const agent::Config& config) {
      return remove_secrets_command(config, kind_of(given->parameter), given->names);
    };
  });
}

}  // namespace

void add_secrets_commands(CLI::App& app, Command& chosen) {
  CLI::App* secrets = app.add_subcommand(
      "secrets", "Keep secrets and parameters for tasks on this host, encrypted");
  secrets->require_subcommand(1);
  add_put(*secrets, chosen);
  add_list(*secrets, chosen);
  add_rm(*secrets, chosen);
}

}  // namespace berth::tools
