#include "runtime/exec.h"

#include "base/text.h"
#include "runtime/child.h"
#include "runtime/control.h"
#include "runtime/enter.h"
#include "runtime/parent.h"
#include "runtime/seccomp_agent.h"
#include "runtime/seccomp_cache.h"
#include "runtime/state.h"
#include "sys/cgroup.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/process.h"
#include "sys/seccomp.h"
#include "sys/socket.h"
#include "sys/spawn.h"
#include "sys/wait.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>

#include <array>
#include <chrono>
#include <csignal>
#include <optional>

namespace berth::runtime {
namespace {

constexpr size_t kControllersMax = 64 * 1024;
// Ten seconds, of what takes milliseconds but for the hooks of the container's owner.
constexpr int kBeginTries = 5000;
constexpr std::chrono::milliseconds kBeginPause(2);

struct JoinedNamespace {
  const char* name;  // in /proc/PID/ns
  int flag;
};
constexpr std::array<JoinedNamespace, 8> kJoined{{
    {"user", CLONE_NEWUSER},
    {"mnt", CLONE_NEWNS},
    {"pid", CLONE_NEWPID},
    {"net", CLONE_NEWNET},
    {"ipc", CLONE_NEWIPC},
    {"uts", CLONE_NEWUTS},
    {"cgroup", CLONE_NEWCGROUP},
    {"time", CLONE_NEWTIME},
}};

// The container as exec sees it. Everything named by its pid was opened while the pidfd showed that
// the pid was still its own.
struct Target {
  State state;
  Spec spec;
  sys::Fd init;        // pidfd
  sys::Fd rootfs;      // O_PATH
  int namespaces = 0;  // CLONE_NEW* of those that differ from ours
};

Status check_status(const State& state, bool ignore_paused) {
  if (state.status == ContainerStatus::kPaused) {
    if (ignore_paused) return {};
    return fail(Errc::kInvalid,
                "cannot exec in a paused container (use --ignore-paused to override)");
  }
  bool runs =
      state.status == ContainerStatus::kRunning || state.status == ContainerStatus::kCreated;
  if (runs) return {};
  return fail(Errc::kInvalid, "cannot exec in a container that is {}", name_of(state.status));
}

// `run` shows its container as running as soon as there is an init. Until that is the program, it
// may stand in namespaces and in a root of the host's, where nobody is to be led.
Status wait_until_begun(const State& state) {
  if (state.status != ContainerStatus::kRunning) return {};
  struct stat ours = TRY(sys::stat("/proc/self/exe"));
  for (int tries = 0; tries < kBeginTries; ++tries) {
    auto theirs = sys::stat(fmt::format("/proc/{}/exe", state.pid));
    bool has_begun = !theirs || theirs->st_ino != ours.st_ino || theirs->st_dev != ours.st_dev;
    if (has_begun) return {};  // or has ended, or is not ours to look at
    sys::pause_for(kBeginPause);
  }
  return fail(Errc::kUnavailable, "container {} is only beginning: its program does not run yet",
              state.id);
}

Result<int> other_namespaces(pid_t pid) {
  int flags = 0;
  for (const JoinedNamespace& kind : kJoined) {
    auto ours = sys::stat(fmt::format("/proc/self/ns/{}", kind.name));
    if (!ours && ours.error().code == Errc::kNotFound) continue;  // a kernel without this kind
    struct stat here = TRY(std::move(ours));
    struct stat there = TRY(sys::stat(fmt::format("/proc/{}/ns/{}", pid, kind.name)));
    if (here.st_ino != there.st_ino || here.st_dev != there.st_dev) flags |= kind.flag;
  }
  return flags;
}

Result<Target> find_target(const ExecOptions& options, SeccompCache& filters) {
  Target target;
  target.state = TRY(load(options.root, options.id));
  refine_status(target.state);
  TRY(check_status(target.state, options.ignore_paused));
  pid_t pid = target.state.pid;
  target.init = TRY(sys::open_pidfd(pid));
  TRY(wait_until_begun(target.state));
  target.namespaces = TRY(other_namespaces(pid));
  target.rootfs = TRY(sys::open(fmt::format("/proc/{}/root", pid), O_PATH | O_DIRECTORY));
  // The number may have gone to another process meanwhile; its start time tells, and from here on
  // only the descriptors count.
  if (TRY(sys::start_time_of(pid)) != target.state.start_time) {
    return fail(Errc::kInvalid, "cannot exec in a container that is stopped");
  }
  std::string text = TRY(sys::read_file(config_of(options.root, options.id), kConfigMax));
  target.spec =
      TRY(parse_spec(text, [&](std::string_view profile) { return filters.find(profile); }));
  return target;
}

Result<ProcessSpec> read_process(const std::string& path) {
  std::string text = TRY(sys::read_file(path, kConfigMax));
  auto document = TRY(json::Document::parse(text, {.name = path, .text_max = kConfigMax}));
  auto process = parse_process(document.root());
  if (!process) return wrap(std::move(process).error(), "{}", path);
  return process;
}

Result<ProcessSpec> choose_process(const ExecOptions& options, const Target& target) {
  if (options.process_file.empty()) return change_process(*target.spec.process, options.changes);
  ProcessSpec process = TRY(read_process(options.process_file));
  if (!process.oom_score_adj) process.oom_score_adj = target.spec.process->oom_score_adj;
  return process;
}

// The container's group, or that of its init when the container has made groups of its own below:
// on v2 a group with controllers enabled for its children holds no processes (cgroups(7)).
Result<std::string> leaf_of(const sys::Cgroups& host, const State& state) {
  if (!host.is_unified()) return state.cgroup;
  std::string enabled = TRY(sys::read_file(
      host.unified_mount() + state.cgroup + "/cgroup.subtree_control", kControllersMax));
  if (trim(enabled).empty()) return state.cgroup;
  std::string text =
      TRY(sys::read_file(fmt::format("/proc/{}/cgroup", state.pid), kControllersMax));
  for (const std::string& line : split(text, '\n')) {
    if (line.starts_with("0::" + state.cgroup)) return line.substr(3);
  }
  return state.cgroup;
}

// Where the process belongs: the container's own group, and below it what --cgroup names.
class Groups {
 public:
  static Result<Groups> find(const ExecOptions& options, const State& state) {
    Groups groups;
    if (state.cgroup.empty()) return groups;
    sys::Cgroups host = TRY(sys::Cgroups::detect());
    groups.whole_.emplace(host.at(TRY(leaf_of(host, state))));
    for (const SubCgroup& sub : options.sub_cgroups) {
      sys::CgroupDir group = host.at(state.cgroup + "/" + sub.path);
      if (host.is_unified() != sub.controller.empty()) {
        return fail(Errc::kInvalid, "--cgroup: on this host it is {}PATH",
                    host.is_unified() ? "" : "CONTROLLER:");
      }
      if (sub.controller.empty()) {
        groups.whole_.emplace(std::move(group));
      } else {
        groups.single_.emplace_back(sub.controller, std::move(group));
      }
    }
    return groups;
  }

  // For a clone right into it; empty on v1.
  Result<sys::Fd> clone_fd() const { return whole_ ? whole_->clone_fd() : sys::Fd(); }

  // For the child to move itself by; none on v2.
  Result<std::vector<sys::Fd>> task_files() const {
    std::vector<sys::Fd> files;
    if (whole_) files = TRY(whole_->task_files());
    for (const auto& [controller, group] : single_) {
      files.push_back(TRY(group.task_file(controller)));
    }
    return files;
  }

 private:
  std::optional<sys::CgroupDir> whole_;
  std::vector<std::pair<std::string, sys::CgroupDir>> single_;  // v1, by controller
};

// After this the child is the program, or the error tells why not.
Result<sys::Cloned> climb(const EnterContext& context, int sync, sys::Cloned child,
                          const Target& target) {
  auto steps = [&]() -> Status {
    TRY(furnish_process(child.pid, target.state.pid, *context.program.process));
    TRY(send_go(sync));
    if (clones_twice(context)) child = TRY(adopt_second(sync, child));
    return wait_for_exec(sync, [&](sys::Fd listener) {
      return send_to_agent(*target.spec.seccomp, target.state, ContainerStatus::kRunning, child.pid,
                           listener);
    });
  };
  auto done = steps();
  if (done) return child;
  kill_and_reap(child.pid);
  return tl::unexpected<Error>(std::move(done).error());
}

Result<sys::Cloned> enter(EnterContext& context, const Groups& groups, const Target& target) {
  sys::SocketPair sockets = TRY(sys::make_socket_pair());
  context.sync = sockets.theirs.get();
  sys::Fd group = TRY(groups.clone_fd());
  std::vector<sys::Fd> tasks = TRY(groups.task_files());
  for (const sys::Fd& file : tasks) context.cgroup_tasks.push_back(file.get());
  sys::Cloned child = TRY(sys::clone_process({.flags = 0, .cgroup = group.get()}));
  if (child.pid == 0) {
    child::leave(sockets.ours.get());
    run_enter(context);
  }
  sockets.theirs.reset();
  return climb(context, sockets.ours.get(), std::move(child), target);
}

// From the moment that the program runs.
Result<int> follow(const ExecOptions& options, const sys::Process& running,
                   ConsoleChannel& channel) {
  TRY(announce({options.pid_file, options.pidfd_socket}, running));
  sys::Fd master = TRY(channel.take_master());
  if (options.mode == RunMode::kDetached) return 0;
  return attend(running, std::move(master));
}

}  // namespace

Result<int> exec(const ExecOptions& options) {
  SeccompCache filters(seccomp_cache_of(options.root), sys::seccomp_actions());
  Target target = TRY(find_target(options, filters));
  ProcessSpec process = TRY(choose_process(options, target));
  Groups groups = TRY(Groups::find(options, target.state));
  std::optional<SeccompProgram> seccomp;
  if (target.spec.seccomp) seccomp = TRY(filters.program(*target.spec.seccomp));
  EnterContext context;
  context.init = target.init.get();
  context.namespaces = target.namespaces;
  if ((target.namespaces & CLONE_NEWNS) == 0) context.root = target.rootfs.get();
  context.program = prepare_program(process, target.rootfs.get());
  context.program.label = TRY(security_label_of(process));
  context.program.seccomp = seccomp ? &*seccomp : nullptr;
  context.program.preserve_fds = options.preserve_fds;
  context.program.make_cwd = false;
  context.program.personality = target.spec.personality;
  if (target.spec.memory_policy) context.program.memory_policy = &*target.spec.memory_policy;
  if (process.exec_cpus_final) context.program.cpus = &*process.exec_cpus_final;
  // Ours, so that the child begins on them, before it moves to its group.
  if (process.exec_cpus_initial) TRY(set_affinity(*process.exec_cpus_initial));

  ConsoleChannel channel =
      TRY(ConsoleChannel::make(process, options.console_socket, relay_of(options.mode)));
  context.console = channel.plan(process);

  if (options.mode == RunMode::kForeground) sys::block_signals();
  sys::Cloned child = TRY(enter(context, groups, target));
  sys::Process running{child.pid, std::move(child.pidfd)};
  auto code = follow(options, running, channel);
  if (code) return code;
  kill_and_reap(running.pid);
  return code;
}

}  // namespace berth::runtime
