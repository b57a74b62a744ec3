#include "tools/effective_config.h"

#include "sys/file.h"

#include <CLI/CLI.hpp>

namespace berth::tools {
namespace {

constexpr size_t kConfigMax = 1024 * 1024;

// A file that holds keys must not be for everybody.
Status check_private(const std::string& path) {
  struct stat st = TRY(sys::stat(path));
  if ((st.st_mode & 077) == 0) return {};
  return fail(Errc::kInvalid,
              "{}: has keys in \"roles\" and may be read by others (mode {:04o}): chmod 600 it",
              path, st.st_mode & 07777);
}

}  // namespace

void add_global_options(CLI::App& app, GlobalOptions& options) {
  app.add_option("--config", options.config, "configuration file (default /etc/berth/berth.json)");
  app.add_option("--root", options.root, "durable state (default /var/lib/berth)");
  app.add_option("--run", options.run, "state of this boot (default /run/berth)");
  app.add_flag("--debug", options.debug, "log what is done and why");
}

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
  if (config.resolver.empty()) {
    config.resolver = TRY(agent::sibling_program("berth-resolver"));
  }
  return config;
}

Result<std::vector<std::string>> own_command(const GlobalOptions& global,
                                             const agent::Config& config,
                                             const std::vector<std::string>& arguments) {
  std::vector<std::string> command = {TRY(agent::sibling_program("berth"))};
  if (!global.config.empty()) command.insert(command.end(), {"--config", global.config});
  command.insert(command.end(), {"--root", config.root, "--run", config.run});
  command.insert(command.end(), arguments.begin(), arguments.end());
  return command;
}

}  // namespace berth::tools
