// berth-oci: an OCI runtime with runc's command line.
//
// Exit codes as runc's: 1 for an error, 255 for one of `exec`; `run` and `exec` in the foreground
// end with the code of the program, or with 128 + the signal that ended it.
#include "base/text.h"
#include "oci/command_line.h"
#include "oci/commands.h"
#include "oci/error_log.h"
#include "sys/file.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

namespace {

using namespace berth;  // NOLINT: this is main()

constexpr const char* kVersion = "0.1.0";
constexpr const char* kSystemdRuns = "/run/systemd/system";  // sd_booted(3)

Status check_global(const oci::Given& global) {
  std::string format = global.text("log-format", "text");
  if (format != "text" && format != "json") {
    return fail(Errc::kInvalid, "--log-format: must be text or json, not {}",
                printable(format, 32));
  }
  if (global.flag("systemd-cgroup")) {
    const char* why = sys::exists(kSystemdRuns) ? "berth-oci makes groups itself, not by systemd"
                                                : "no systemd runs on this host";
    return fail(Errc::kUnsupported,
                "--systemd-cgroup: {}; choose cgroupfs in the engine (podman: "
                "--cgroup-manager=cgroupfs; containerd: SystemdCgroup = false; Docker: "
                "native.cgroupdriver=cgroupfs)",
                why);
  }
  return {};
}

Result<const oci::Command*> find_command(const std::string& name) {
  std::span<const oci::Command> commands = oci::commands();
  auto found = std::find_if(commands.begin(), commands.end(),
                            [&](const oci::Command& command) { return name == command.name; });
  if (found != commands.end()) return &*found;
  return fail(Errc::kInvalid, "unknown command {}", printable(name, 64));
}

Result<int> obey(std::span<const std::string> words, oci::Invocation& invocation) {
  size_t next = 0;
  invocation.global = TRY(oci::parse_options(oci::global_options(), words, next));
  TRY(check_global(invocation.global));
  if (invocation.global.flag("debug")) ::setenv("BERTH_TRACE", "1", 1);
  if (invocation.global.flag("version")) {
    std::printf("berth-oci version %s\nspec: 1.3.0\n", kVersion);
    return 0;
  }
  bool wants_help =
      invocation.global.flag("help") || (next < words.size() && words[next] == "help");
  if (wants_help || next == words.size()) {
    std::fputs(oci::help(oci::commands()).c_str(), wants_help ? stdout : stderr);
    return wants_help ? 0 : 1;
  }
  invocation.command = TRY(find_command(words[next++]));
  TRY(oci::parse_rest(*invocation.command, words.subspan(next), invocation));
  if (invocation.options.flag("help")) {
    std::fputs(oci::help(*invocation.command).c_str(), stdout);
    return 0;
  }
  oci::log_warnings(invocation.global);
  return invocation.command->run(invocation);
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> words(argv + 1, argv + argc);
  oci::Invocation invocation;
  invocation.argv = argv;
  auto code = obey(words, invocation);
  if (code) return *code;
  oci::report(invocation.global, code.error());
  return invocation.command == nullptr ? 1 : invocation.command->failure_code;
}
