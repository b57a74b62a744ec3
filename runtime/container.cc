#include "runtime/container.h"

#include "base/env.h"
#include "base/log.h"
#include "runtime/control.h"
#include "runtime/launch.h"
#include "runtime/parent.h"
#include "runtime/plan.h"
#include "runtime/seccomp_agent.h"
#include "runtime/seccomp_cache.h"
#include "runtime/spec.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/host.h"
#include "sys/path.h"
#include "sys/seccomp.h"
#include "sys/socket.h"
#include "sys/spawn.h"
#include "sys/wait.h"

#include <fcntl.h>

#include <cerrno>
#include <csignal>
#include <functional>

namespace berth::runtime {
namespace {

constexpr int kKillWaitMs = 10000;  // how long a killed init may take to die

// A container under construction: what exists so far, taken down again unless kept.
class Draft {
 public:
  Draft(std::string root, std::string id) : root_(std::move(root)), id_(std::move(id)) {}
  Draft(const Draft&) = delete;
  Draft& operator=(const Draft&) = delete;
  ~Draft() {
    if (kept_) return;
    kill_and_reap(process_.pid);
    Status cleaned = clean();
    // Once more: nobody comes after us to whom this container has a name.
    if (!cleaned) cleaned = clean();
    if (!cleaned) {
      LOG(kWarn, "leftover of a failed create",
          {{"container", id_}, {"error", cleaned.error().text}});
    }
    if (afterwards_) afterwards_();
  }
  // Called when the container, which did not come to be, has been taken down.
  void afterwards(std::function<void()> call) { afterwards_ = std::move(call); }
  void add(sys::CgroupDir cgroup) { cgroup_.emplace(std::move(cgroup)); }
  void add(sys::Process process) { process_ = std::move(process); }
  void add_pid_file(const std::string& path) { pid_file_ = path; }
  const sys::Process& process() const { return process_; }
  void keep() { kept_ = true; }

 private:
  // All of it, whatever fails on the way; the first failure is told.
  Status clean() const {
    Status killed;
    Status removed;
    if (cgroup_) {
      killed = cgroup_->kill_all();
      removed = cgroup_->remove();
    }
    Status directory = sys::remove_tree(directory_of(root_, id_));
    if (!pid_file_.empty()) TRY(sys::remove_file(pid_file_));
    TRY(std::move(killed));
    TRY(std::move(removed));
    return directory;
  }

  std::string root_;
  std::string id_;
  std::string pid_file_;
  std::optional<sys::CgroupDir> cgroup_;
  sys::Process process_;
  std::function<void()> afterwards_;
  bool kept_ = false;
};

struct Config {
  Spec spec;
  Plan plan;
  State state;
  std::optional<SeccompProgram> seccomp;
  std::optional<sys::Cgroups> cgroups;
  std::string text;  // of config.json
};

// The container keeps the config.json it was made with, whatever becomes of the bundle's.
Status keep_config(const CreateOptions& options, const std::string& text) {
  sys::Fd copy = TRY(sys::create(config_of(options.root, options.id), O_WRONLY | O_EXCL, 0600));
  return sys::write_all(copy.get(), text);
}

std::string absolute(const std::string& base, const std::string& path) {
  return path.starts_with('/') ? path : base + "/" + path;
}

std::string cgroup_path_of(const Spec& spec, const std::string& id) {
  if (spec.cgroups_path.empty()) return fmt::format("/berth-{}", id);
  return spec.cgroups_path.starts_with('/') ? spec.cgroups_path
                                            : fmt::format("/{}", spec.cgroups_path);
}

// "Any value which [...] cannot be granted otherwise MUST be logged as a warning" (runtime-spec).
void warn_of_missing_capabilities(const Spec& spec) {
  if (!spec.process || spec.find_namespace("user") != nullptr) return;
  const sys::Capabilities& wanted = spec.process->capabilities;
  sys::CapabilitySet missing = sys::missing_capabilities(
      wanted.bounding | wanted.permitted | wanted.effective | wanted.inheritable | wanted.ambient);
  for (int number = 0; number < sys::kCapabilityCount; ++number) {
    if ((missing >> number & 1) == 0) continue;
    LOG(kWarn, "capability not given: this process does not have it",
        {{"name", sys::capability_name(number)}});
  }
}

// Reads everything and decides everything; touches nothing.
Result<Config> read_config(const CreateOptions& options) {
  TRY(check_id(options.id));
  Config config;
  config.state.id = options.id;
  config.state.bundle =
      TRY(sys::real_path(options.bundle.empty() ? "." : options.bundle, "bundle"));
  config.text = TRY(sys::read_file(config.state.bundle + "/config.json", kConfigMax));
  SeccompCache filters(
      options.cache_dir.empty() ? seccomp_cache_of(options.root) : options.cache_dir,
      sys::seccomp_actions());
  config.spec =
      TRY(parse_spec(config.text, [&](std::string_view profile) { return filters.find(profile); }));
  warn_of_missing_capabilities(config.spec);
  if (config.spec.process && options.listen_fds > 0) {
    config.spec.process->env.push_back(fmt::format("LISTEN_FDS={}", options.listen_fds));
    config.spec.process->env.emplace_back("LISTEN_PID=1");  // the program is the container's init
  }
  config.state.oci_version = config.spec.oci_version;
  config.state.rootfs = absolute(config.state.bundle, config.spec.root_path);
  config.state.annotations = config.spec.annotations;
  for (HookKind kind : {HookKind::kPoststart, HookKind::kPoststop}) {
    auto index = static_cast<size_t>(kind);
    config.state.hooks.lists[index] = config.spec.hooks.lists[index];
  }
  config.state.cgroup = cgroup_path_of(config.spec, options.id);
  sys::SystemClock clock;
  config.state.created = format_rfc3339(clock.wall());
  config.cgroups = TRY(sys::Cgroups::detect());
  bool asks_for_label = !config.spec.mount_label.empty();
  config.plan = TRY(make_plan(config.spec, {.cgroups = *config.cgroups,
                                            .cgroup_path = config.state.cgroup,
                                            .has_selinux = asks_for_label && sys::has_selinux()}));
  if (config.spec.seccomp) config.seccomp = TRY(filters.program(*config.spec.seccomp));
  return config;
}

Status make_state_directory(const CreateOptions& options) {
  std::string path = directory_of(options.root, options.id);
  auto make = [&] { return sys::make_new_directory(path, 0700); };
  auto made = make();
  if (!made && made.error().code == Errc::kNotFound) {
    TRY(sys::make_directories(options.root, 0700));
    made = make();
  }
  if (!made && made.error().code == Errc::kExists) {
    return fail(Errc::kExists, "container with id \"{}\" exists already", options.id);
  }
  return made;
}

// Two containers in one group would be killed by each other's delete.
Status check_group_is_free(const Config& config) {
  std::vector<pid_t> pids = TRY(config.cgroups->at(config.state.cgroup).processes());
  if (pids.empty()) return {};
  return fail(Errc::kExists, "linux.cgroupsPath: {} holds {} processes already",
              config.state.cgroup, pids.size());
}

// The hooks of the host that run between the mounts and the pivot; nothing when there are none.
std::function<Status(pid_t)> runtime_hooks_of(const Config& config) {
  const Hooks& hooks = config.spec.hooks;
  if (hooks.of(HookKind::kPrestart).empty() && hooks.of(HookKind::kCreateRuntime).empty()) {
    return nullptr;
  }
  return [&config](pid_t pid) -> Status {
    State state = config.state;
    state.pid = pid;
    std::string text = render_for_hook(state, ContainerStatus::kCreating);
    TRY(run_hooks(config.spec.hooks, HookKind::kPrestart, state.bundle, text));
    return run_hooks(config.spec.hooks, HookKind::kCreateRuntime, state.bundle, text);
  };
}

void run_poststop(const State& state) {
  if (state.hooks.of(HookKind::kPoststop).empty()) return;
  State stopped = state;
  stopped.pid = 0;
  run_hooks_to_the_end(state.hooks, HookKind::kPoststop, state.bundle,
                       render_for_hook(stopped, ContainerStatus::kStopped));
}

// State is written before the group is made, so that a delete after a crash finds what there is to
// remove; the draft takes down no group that was there before.
Status make_group(const CreateOptions& options, const Config& config, Draft& draft) {
  TRY(save(options.root, config.state));
  TRY(check_group_is_free(config));
  draft.afterwards([&config] { run_poststop(config.state); });
  draft.add(config.cgroups->at(config.state.cgroup));
  sys::CgroupDir group = TRY(config.cgroups->make(config.state.cgroup));
  auto limited = group.apply(config.plan.limits);
  if (limited) return {};
  Error error = std::move(limited).error();
  error.text.insert(0, "linux.resources.");
  return tl::unexpected<Error>(std::move(error));
}

Status run_poststart(const State& state) {
  if (state.hooks.of(HookKind::kPoststart).empty()) return {};
  return run_hooks(state.hooks, HookKind::kPoststart, state.bundle,
                   render_for_hook(state, ContainerStatus::kRunning));
}

// What the init talks through besides the ladder.
struct Sockets {
  int listener = -1;  // init.sock; -1 for `run`
  Console console;
};

// Whether anything is to happen when the container is made and its program does not run yet.
bool init_waits(const CreateOptions& options, const Config& config, const Sockets& sockets) {
  const Hooks& hooks = config.spec.hooks;
  bool has_hooks =
      !hooks.of(HookKind::kPrestart).empty() || !hooks.of(HookKind::kCreateRuntime).empty();
  bool is_announced = !options.pid_file.empty() || !options.pidfd_socket.empty();
  return sockets.listener >= 0 || sockets.console.socket >= 0 || is_announced || has_hooks ||
         !config.spec.net_devices.empty();
}

// Whether anything is to happen when the program begins: else its end is soon enough to hear that
// it did not.
bool start_matters(const Config& config, RunMode mode) {
  bool notifies = config.spec.seccomp && !config.spec.seccomp->listener_path.empty();
  return mode == RunMode::kDetached || notifies ||
         !config.state.hooks.of(HookKind::kPoststart).empty();
}

// The whole of create and the first half of run.
Result<Launched> build(const CreateOptions& options, Config& config, Draft& draft,
                       const Sockets& sockets) {
  sys::CgroupDir group = config.cgroups->at(config.state.cgroup);
  auto record = [&](pid_t pid) -> Status {
    config.state.pid = pid;
    config.state.start_time = TRY(sys::start_time_of(pid));
    TRY(keep_config(options, config.text));
    return prepare_save(options.root, config.state);
  };
  Launched launched = TRY(launch({.spec = config.spec,
                                  .plan = config.plan,
                                  .state = config.state,
                                  .seccomp = config.seccomp ? &*config.seccomp : nullptr,
                                  .cgroup = &group,
                                  .make_cgroup = [&] { return make_group(options, config, draft); },
                                  .bundle = config.state.bundle,
                                  .rootfs = config.state.rootfs,
                                  .listener = sockets.listener,
                                  .preserve_fds = options.listen_fds + options.preserve_fds,
                                  .supervisor = options.supervisor,
                                  .console = sockets.console,
                                  .no_pivot = options.no_pivot,
                                  .no_new_keyring = options.no_new_keyring,
                                  .init_waits = init_waits(options, config, sockets),
                                  .runtime_hooks = runtime_hooks_of(config),
                                  .meanwhile = record}));
  draft.add(sys::Process{launched.pid, std::move(launched.pidfd)});
  TRY(commit_save(options.root, config.state.id));
  draft.add_pid_file(options.pid_file);
  TRY(announce({options.pid_file, options.pidfd_socket}, draft.process()));
  if (launched.net_devices) launched.net_devices->keep();
  return launched;
}

Status wait_for_end(const sys::Fd& pidfd, const std::string& id) {
  pollfd polled{pidfd.get(), POLLIN, 0};
  long ready = TRY(sys::wait_for({&polled, 1}, kKillWaitMs, id));
  if (ready == 0) return fail(Errc::kExhausted, "container {}: still dying", id);
  return {};
}

// The init by a descriptor that is certainly its own, whatever happens to the number.
Result<sys::Fd> pidfd_of(const State& state) {
  sys::Fd pidfd = TRY(sys::open_pidfd(state.pid));
  if (TRY(sys::start_time_of(state.pid)) != state.start_time) {
    return fail(Errc::kNotFound, "container {} is not running", state.id);
  }
  return pidfd;
}

Status kill_init(const State& state) {
  auto pidfd = pidfd_of(state);
  if (!pidfd && pidfd.error().code == Errc::kNotFound) return {};  // it is gone
  if (!pidfd) return tl::unexpected<Error>(std::move(pidfd).error());
  sys::Process process{state.pid, std::move(*pidfd)};
  TRY(sys::send_signal(process, SIGKILL));
  thaw_for_kill(state);
  return wait_for_end(process.pidfd, state.id);
}

// Nobody is left in it, as a rule, and the kernel says so by letting it go.
Status remove_group(const sys::CgroupDir& group) {
  if (TRY(group.remove_at_once())) return {};
  TRY(group.kill_all());
  return group.remove();
}

// The state goes last: as long as there is anything, another delete finds out where.
Status tear_down(const std::string& root, const State& state,
                 const std::optional<sys::Cgroups>& cgroups) {
  if (!state.cgroup.empty()) {
    sys::Cgroups host = cgroups ? *cgroups : TRY(sys::Cgroups::detect());
    TRY(remove_group(host.at(state.cgroup)));
  }
  TRY(remove_state(root, state.id));
  run_poststop(state);
  return {};
}

// What is left of a delete that removed state.json and then failed.
bool remove_empty_directory(const std::string& root, const std::string& id) {
  return static_cast<bool>(sys::remove_directory(directory_of(root, id)));
}

Status notify_agent(const Spec& spec, const State& state, const sys::Fd& listener) {
  if (!spec.seccomp) return fail(Errc::kInternal, "a seccomp listener without seccomp");
  return send_to_agent(*spec.seccomp, state, ContainerStatus::kCreated, state.pid, listener);
}

// To the end of init.sock, which is there for as long as nobody has come so far: a start that fails
// can be tried again.
Status let_go(const std::string& root, const State& state) {
  std::string socket = socket_of(root, state.id);
  auto init = sys::connect_unix(socket);
  // Nobody listens: the init is the program already, and the `start` that made it so did not come
  // to the last line.
  bool released = !init && init.error().errno_value == ECONNREFUSED;
  if (!released) {
    TRY(release(TRY(std::move(init)).get(), [&](sys::Fd listener) -> Status {
      Spec spec = TRY(parse_spec(TRY(sys::read_file(config_of(root, state.id), kConfigMax))));
      return notify_agent(spec, state, listener);
    }));
  }
  return sys::remove_file(socket);
}

}  // namespace

Status create(const CreateOptions& options) {
  Config config = TRY(read_config(options));
  TRY(make_state_directory(options));
  Draft draft(options.root, options.id);
  ProcessSpec process = config.spec.process.value_or(ProcessSpec{});  // `start` will ask for it
  ConsoleChannel channel =
      TRY(ConsoleChannel::make(process, options.console_socket, ConsoleChannel::Relay::kEngine));
  sys::Fd listener = TRY(sys::listen_unix(socket_of(options.root, options.id)));
  Sockets sockets{.listener = listener.get(), .console = channel.plan(process)};
  TRY(build(options, config, draft, sockets));
  draft.keep();
  return {};
}

Status start(const std::string& root, const std::string& id) {
  State state = TRY(load(root, id));
  if (state.status != ContainerStatus::kCreated) {
    return fail(Errc::kInvalid, "cannot start a container that is {}", name_of(state.status));
  }
  auto started = let_go(root, state);
  if (started) started = run_poststart(state);
  if (started || started.error().code != Errc::kCancelled) return started;
  // A hook that fails ends the container (runtime-spec, Lifecycle, steps 7 and 9).
  if (auto killed = kill_init(state); !killed) {
    LOG(kWarn, "container survives its hook", {{"error", killed.error().text}});
  }
  auto removed = tear_down(root, state, std::nullopt);
  if (!removed) LOG(kWarn, "leftover of a failed start", {{"error", removed.error().text}});
  return started;
}

Result<int> run(const CreateOptions& options, RunMode mode) {
  Config config = TRY(read_config(options));
  if (!config.spec.process) return fail(Errc::kInvalid, "process: is required");
  TRY(make_state_directory(options));
  Draft draft(options.root, options.id);
  const ProcessSpec& process = *config.spec.process;
  ConsoleChannel channel =
      TRY(ConsoleChannel::make(process, options.console_socket, relay_of(mode)));
  // Blocked from before the child exists, so that no signal falls between.
  if (mode == RunMode::kForeground) sys::block_signals();
  Sockets sockets{.console = channel.plan(process)};
  Launched launched = TRY(build(options, config, draft, sockets));
  sys::Fd master = TRY(channel.take_master());
  int sync = launched.sync.get();
  auto notify = [&](sys::Fd listener) { return notify_agent(config.spec, config.state, listener); };
  bool hears_of_start = true;
  if (init_waits(options, config, sockets)) {
    TRY(release(sync, notify));
  } else if (start_matters(config, mode)) {
    TRY(wait_for_exec(sync, notify));
  } else {
    hears_of_start = false;
  }
  TRY(run_poststart(config.state));
  if (mode == RunMode::kDetached) {
    draft.keep();
    return 0;
  }
  int code = TRY(attend(draft.process(), std::move(master)));
  draft.add(sys::Process{});  // reaped: the number is somebody else's
  if (!hears_of_start) TRY(wait_for_exec(sync, notify));
  draft.keep();
  if (!options.keep) TRY(tear_down(options.root, config.state, config.cgroups));
  return code;
}

Result<State> state(const std::string& root, const std::string& id) {
  State found = TRY(load(root, id));
  refine_status(found);
  return found;
}

Result<std::vector<pid_t>> processes(const std::string& root, const std::string& id) {
  State state = TRY(load(root, id));
  if (state.cgroup.empty()) {
    bool runs = state.status != ContainerStatus::kStopped && state.pid != 0;
    return runs ? std::vector<pid_t>{state.pid} : std::vector<pid_t>{};
  }
  sys::CgroupDir group = TRY(sys::Cgroups::detect()).at(state.cgroup);
  if (!group.exists()) return std::vector<pid_t>{};
  return group.processes();
}

Result<std::vector<State>> list(const std::string& root) {
  std::vector<State> states;
  if (!sys::exists(root)) return states;
  for (const std::string& name : TRY(sys::list_directory(root))) {
    auto loaded = load(root, name);
    // Not ours, or deleted while we looked.
    if (!loaded && loaded.error().code == Errc::kNotFound) continue;
    if (!loaded) {
      LOG(kWarn, "unreadable container state", {{"error", loaded.error().text}});
      continue;
    }
    refine_status(*loaded);
    states.push_back(std::move(*loaded));
  }
  return states;
}

Status kill(const std::string& root, const std::string& id, int signal, KillTarget target) {
  State state = TRY(load(root, id));
  if (target == KillTarget::kAllProcesses) {
    sys::CgroupDir group = TRY(sys::Cgroups::detect()).at(state.cgroup);
    if (signal == SIGKILL) return group.kill_all();
    for (pid_t pid : TRY(group.processes())) sys::signal_pid(pid, signal);
    return {};
  }
  if (state.status != ContainerStatus::kCreated && state.status != ContainerStatus::kRunning) {
    return fail(Errc::kInvalid, "container not running");
  }
  sys::Fd pidfd = TRY(pidfd_of(state));
  TRY(sys::send_signal({state.pid, std::move(pidfd)}, signal));
  if (signal == SIGKILL) thaw_for_kill(state);
  return {};
}

Status remove(const std::string& root, const std::string& id, DeleteMode mode) {
  auto loaded = load(root, id);
  bool force = mode == DeleteMode::kForce;
  if (!loaded && loaded.error().code == Errc::kNotFound && check_id(id) &&
      remove_empty_directory(root, id)) {
    return {};
  }
  if (!loaded && force && loaded.error().code == Errc::kNotFound) {
    TRY(check_id(id));
    // A create that was killed before it wrote its first state.
    return sys::remove_tree(directory_of(root, id));
  }
  State state = TRY(std::move(loaded));
  if (state.status != ContainerStatus::kStopped) {
    if (!force) {
      return fail(Errc::kInvalid, "cannot delete container {} that is not stopped: {}", id,
                  name_of(state.status));
    }
    if (state.pid != 0) TRY(kill_init(state));
  }
  return tear_down(root, state, std::nullopt);
}

}  // namespace berth::runtime
