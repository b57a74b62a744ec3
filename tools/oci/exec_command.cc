#include "oci/commands.h"
#include "runtime/exec.h"
#include "sys/own_binary.h"

#include <string>
#include <vector>

namespace berth::oci {
namespace {

runtime::ProcessChanges changes_of(const Invocation& invocation) {
  const Given& given = invocation.options;
  runtime::ProcessChanges changes;
  changes.args.assign(invocation.names.begin() + 1, invocation.names.end());
  changes.cwd = given.text("cwd", "");
  changes.env = given.all("env");
  changes.user = given.text("user", "");
  changes.additional_gids = given.all("additional-gids");
  changes.capabilities = given.all("cap");
  changes.apparmor_profile = given.text("apparmor", "");
  changes.selinux_label = given.text("process-label", "");
  changes.terminal = given.flag("tty");
  if (given.has("no-new-privs")) changes.no_new_privileges = given.flag("no-new-privs");
  return changes;
}

}  // namespace

Result<int> exec(const Invocation& invocation) {
  const Given& given = invocation.options;
  std::string process_file = given.text("process", "");
  if (!process_file.empty() && invocation.names.size() > 1) {
    return fail(Errc::kInvalid, "--process: takes the place of a program on the command line");
  }
  uint64_t preserve_fds = TRY(given.number("preserve-fds", kPreserveMax, 0));
  TRY(check_open(preserve_fds));
  runtime::ExecOptions options{
      .root = invocation.root(),
      .id = invocation.names[0],
      .process_file = process_file,
      .changes = changes_of(invocation),
      .sub_cgroups = TRY(runtime::parse_sub_cgroups(given.all("cgroup"))),
      .pid_file = given.text("pid-file", ""),
      .console_socket = given.text("console-socket", ""),
      .pidfd_socket = given.text("pidfd-socket", ""),
      .preserve_fds = static_cast<int>(preserve_fds),
      .ignore_paused = given.flag("ignore-paused"),
      .mode = given.flag("detach") ? runtime::RunMode::kDetached : runtime::RunMode::kForeground,
  };
  TRY(sys::protect_own_binary(invocation.argv));
  return runtime::exec(options);
}

}  // namespace berth::oci
