// berth exec: a further process in a container of a task. The OCI runtime of the task does the
// work: we become it.
#include "agent/accounts.h"
#include "agent/task_table.h"
#include "base/text.h"
#include "sys/become.h"
#include "sys/file.h"
#include "tools/commands.h"
#include "tools/daemon_tasks.h"
#include "tools/task_commands.h"

#include <fcntl.h>

namespace berth::tools {
namespace {

constexpr size_t kAccountFileMax = 1024 * 1024;

// A file of the container as it is now; "" when there is none.
std::string read_in_container(int root, const char* path) {
  auto fd = sys::open_in_root(root, path, O_RDONLY);
  if (!fd) return "";
  return sys::read_all(fd->get(), kAccountFileMax).value_or("");
}

// "UID:GID" of a user by name or number, looked up in the container.
Result<agent::Account> find_account(const agent::ListedContainer& container,
                                    const std::string& user) {
  sys::Fd root = TRY(sys::open(fmt::format("/proc/{}/root", container.pid), O_PATH | O_DIRECTORY));
  return agent::resolve_account(user, read_in_container(root.get(), "/etc/passwd"),
                                read_in_container(root.get(), "/etc/group"));
}

Result<std::vector<std::string>> exec_arguments(const agent::ListedTask& task,
                                                const agent::ListedContainer& container,
                                                const ExecOptions& options) {
  std::vector<std::string> words = {task.plan->oci_runtime, "--root", task.plan->oci_root, "exec"};
  if (options.terminal) words.push_back("--tty");
  if (!options.directory.empty()) words.insert(words.end(), {"--cwd", options.directory});
  for (const std::string& variable : options.env) words.insert(words.end(), {"--env", variable});
  if (!options.user.empty()) {
    agent::Account account = TRY(find_account(container, options.user));
    words.insert(words.end(), {"--user", fmt::format("{}:{}", account.uid, account.gid)});
    for (uint32_t gid : account.additional_gids) {
      words.insert(words.end(), {"--additional-gids", std::to_string(gid)});
    }
  }
  words.push_back(container.id);
  words.insert(words.end(), options.command.begin(), options.command.end());
  return words;
}

// Returns only when it fails.
Status execute(const agent::Config& config, const ExecOptions& options) {
  agent::ListedTask task = TRY(choose_running_task(config, options.task, "exec"));
  const agent::ListedContainer* container = TRY(agent::choose_container(task, options.container));
  if (container->state != agent::ContainerState::kRunning) {
    return fail(Errc::kUnavailable, "container {} of task {} is {}: exec needs one that runs",
                container->info.name, task.info.id, agent::name_of(container->state));
  }
  return sys::become(task.plan->oci_runtime, TRY(exec_arguments(task, *container, options)));
}

}  // namespace

int exec_command(const agent::Config& config, const ExecOptions& options) {
  return exit_code(execute(config, options));
}

}  // namespace berth::tools
