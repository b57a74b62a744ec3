// berthd: the daemon. Its options are those of `berth` for the same instance.
#include "agent/config.h"
#include "base/log.h"
#include "tools/commands.h"
#include "tools/daemon.h"
#include "tools/effective_config.h"

#include <CLI/CLI.hpp>

#include <cstdio>

namespace berth::tools {
namespace {

struct BerthdOptions {
  GlobalOptions global;
  std::string listen;
  bool print_config = false;
  DaemonOptions daemon;
};

Status add_commands(const GlobalOptions& global, const agent::Config& config,
                    DaemonOptions& options) {
  options.sweeper =
      TRY(own_command(global, config, {"system", "sweep", "--delay", kSweeperDelayMs}));
  options.cleaner = TRY(own_command(global, config, {"system", "prune", "--automatic"}));
  options.endpoint = TRY(own_command(global, config, {"system", "endpoint"}));
  options.own.front() = TRY(agent::sibling_program("berthd"));
  options.sessions.session = TRY(own_command(global, config, {"system", "session"}));
  options.sessions.exec = TRY(own_command(global, config, {"exec"}));
  return {};
}

Status serve(BerthdOptions options) {
  log::set_level(options.global.debug ? log::Level::kDebug : log::Level::kInfo);
  agent::Config config = TRY(effective_config(options.global));
  if (!options.listen.empty()) {
    config.listen = TRY(agent::parse_listen(options.listen, "--listen"));
  }
  if (options.print_config) {
    std::fputs(agent::render_config(config).c_str(), stdout);
    return {};
  }
  TRY(add_commands(options.global, config, options.daemon));
  return serve_daemon(config, options.daemon);
}

}  // namespace
}  // namespace berth::tools

int main(int argc, char** argv) {
  using namespace berth::tools;
  BerthdOptions options;
  options.daemon.own.assign(argv, argv + argc);
  CLI::App app("berthd answers Amazon's API for the tasks of this host", "berthd");
  app.set_version_flag("--version", BERTH_VERSION);
  add_global_options(app, options.global);
  app.add_option("--listen", options.listen, "ADDRESS:PORT of the API (default 127.0.0.1:4566)");
  app.add_flag("--no-auth", options.daemon.no_auth,
               "take requests that nobody has signed: for a host that is thrown away");
  app.add_flag(
      "--virtual-clock", options.daemon.virtual_clock,
      "let `berth system clock advance` move the time: for an instance that is thrown away");
  app.add_flag("--print-config", options.print_config, "print the configuration in force and end");
  app.add_option_function<std::string>(
         "--userns", [&](const std::string&) { options.daemon.userns_host = true; },
         "host: no user namespaces, ids of containers are ids of the host")
      ->check(CLI::IsMember({"host"}));
  try {
    app.parse(argc, argv);
    return exit_code(serve(std::move(options)));
  } catch (const CLI::ParseError& error) {
    int code = app.exit(error);
    return code == 0 ? 0 : kExitFailure;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "berthd: internal: %s\n", error.what());
    return kExitFailure;
  }
}
