#include "agent/container_settings.h"

#include "base/json_tree.h"
#include "base/text.h"

#include <algorithm>
#include <array>
#include <csignal>

namespace berth::agent {
namespace {

constexpr uint64_t kMiB = 1024 * 1024;
constexpr uint64_t kSharesMin = 2;  // the kernel's
constexpr uint64_t kSharesMax = 262144;
constexpr uint64_t kNoLimit = ~0ull;  // RLIM_INFINITY
// On the container's own /dev, so that no image is changed by it.
constexpr const char* kInitTarget = "/dev/init";
constexpr const char* kSharedMemory = "/dev/shm";
constexpr const char* kMessageQueues = "/dev/mqueue";
constexpr const char* kDefaultPath =
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

struct SignalName {
  const char* name;
  int number;
};

constexpr std::array kSignals = {
    SignalName{"HUP", SIGHUP},       SignalName{"INT", SIGINT},       SignalName{"QUIT", SIGQUIT},
    SignalName{"ILL", SIGILL},       SignalName{"TRAP", SIGTRAP},     SignalName{"ABRT", SIGABRT},
    SignalName{"BUS", SIGBUS},       SignalName{"FPE", SIGFPE},       SignalName{"KILL", SIGKILL},
    SignalName{"USR1", SIGUSR1},     SignalName{"SEGV", SIGSEGV},     SignalName{"USR2", SIGUSR2},
    SignalName{"PIPE", SIGPIPE},     SignalName{"ALRM", SIGALRM},     SignalName{"TERM", SIGTERM},
    SignalName{"STKFLT", SIGSTKFLT}, SignalName{"CHLD", SIGCHLD},     SignalName{"CONT", SIGCONT},
    SignalName{"STOP", SIGSTOP},     SignalName{"TSTP", SIGTSTP},     SignalName{"TTIN", SIGTTIN},
    SignalName{"TTOU", SIGTTOU},     SignalName{"URG", SIGURG},       SignalName{"XCPU", SIGXCPU},
    SignalName{"XFSZ", SIGXFSZ},     SignalName{"VTALRM", SIGVTALRM}, SignalName{"PROF", SIGPROF},
    SignalName{"WINCH", SIGWINCH},   SignalName{"IO", SIGIO},         SignalName{"PWR", SIGPWR},
    SignalName{"SYS", SIGSYS}};

// SIGRTMIN of the kernel less the two that glibc keeps for itself, as images mean it.
constexpr int kRealTimeMin = 34;
constexpr int kSignalMax = 64;

std::string_view without_prefix(std::string_view text, std::string_view prefix) {
  return text.starts_with(prefix) ? text.substr(prefix.size()) : text;
}

// "K" of "K=V".
std::string_view name_of_variable(std::string_view variable) {
  return variable.substr(0, variable.find('='));
}

void set_variable(std::vector<std::string>& env, std::string variable) {
  for (std::string& existing : env) {
    if (name_of_variable(existing) == name_of_variable(variable)) {
      existing = std::move(variable);
      return;
    }
  }
  env.push_back(std::move(variable));
}

void default_variable(std::vector<std::string>& env, std::string variable) {
  for (const std::string& existing : env) {
    if (name_of_variable(existing) == name_of_variable(variable)) return;
  }
  env.push_back(std::move(variable));
}

bool has_variable(const std::vector<std::string>& env, std::string_view name) {
  return std::ranges::any_of(
      env, [&](const std::string& variable) { return name_of_variable(variable) == name; });
}

// Both names of the region or neither: a container that was given one of them means that one.
void set_endpoint_variables(std::vector<std::string>& env, const EndpointVariables& endpoint) {
  for (const std::string& variable : endpoint.always) set_variable(env, variable);
  bool knows_region = std::ranges::any_of(endpoint.region, [&](const std::string& variable) {
    return has_variable(env, name_of_variable(variable));
  });
  if (knows_region) return;
  for (const std::string& variable : endpoint.region) env.push_back(variable);
}

uint64_t limit_of(int64_t value) {
  return value == scheduler::kUnlimited ? kNoLimit : static_cast<uint64_t>(value);
}

std::vector<BindMount> binds_of(const scheduler::TaskDefinition& task,
                                const scheduler::ContainerDefinition& container,
                                const TaskPlace& task_place, const ContainerPlace& place) {
  std::vector<BindMount> binds = {
      {place.resolv_conf_file, "/etc/resolv.conf", false, false},
      {place.hostname_file, "/etc/hostname", false, false},
      {place.hosts_file, "/etc/hosts", false, false},
  };
  binds.insert(binds.end(), place.router_places.begin(), place.router_places.end());
  for (const scheduler::MountPoint& point : effective_mount_points(task, container)) {
    const PlacedVolume& volume = task_place.volumes.at(point.source_volume);
    binds.push_back({volume.directory, point.container_path, point.read_only || volume.read_only,
                     volume.id_mapped});
  }
  binds.insert(binds.end(), place.router_files.begin(), place.router_files.end());
  return binds;
}

void apply_linux_parameters(const scheduler::LinuxParameters& parameters,
                            ContainerSettings& settings) {
  settings.add_capabilities = parameters.add_capabilities;
  settings.drop_capabilities = parameters.drop_capabilities;
  for (const scheduler::Tmpfs& tmpfs : parameters.tmpfs) {
    settings.tmpfs.push_back({tmpfs.container_path, tmpfs.size_mib * kMiB, tmpfs.mount_options});
  }
  if (parameters.shared_memory_size_mib) {
    settings.shm_bytes = *parameters.shared_memory_size_mib * kMiB;
  }
  if (parameters.max_swap_mib) settings.swap_bytes = *parameters.max_swap_mib * kMiB;
  if (parameters.swappiness) settings.swappiness = *parameters.swappiness;
}

void choose_pids(scheduler::PidMode mode, const TaskPlace& task_place,
                 ContainerSettings& settings) {
  switch (mode) {
    case scheduler::PidMode::kPrivate:
      return;
    case scheduler::PidMode::kHost:
      settings.pids.owner = NamespaceChoice::Owner::kHost;
      return;
    case scheduler::PidMode::kTask:
      settings.pids = {NamespaceChoice::Owner::kTask, task_place.pid_namespace};
      return;
  }
}

// What is bound has the flags of the mount that it comes from.
void choose_ipc(scheduler::IpcMode mode, const TaskPlace& task_place, ContainerSettings& settings) {
  auto bind = [&settings](const std::string& source, const char* target) {
    settings.binds.insert(settings.binds.begin(), {source, target, false, false});
  };
  switch (mode) {
    case scheduler::IpcMode::kPrivate:
      return;
    case scheduler::IpcMode::kHost:
      settings.ipc.owner = NamespaceChoice::Owner::kHost;
      settings.shm_bytes.reset();
      bind(kSharedMemory, kSharedMemory);
      // Only the owner of the IPC namespace can mount another view of its queues.
      settings.own_mqueue = task_place.user_namespace.empty();
      if (!settings.own_mqueue && task_place.host_has_mqueue) bind(kMessageQueues, kMessageQueues);
      return;
    case scheduler::IpcMode::kTask:
      settings.ipc = {NamespaceChoice::Owner::kTask, task_place.ipc_namespace};
      settings.shm_bytes.reset();
      bind(task_place.shared_memory, kSharedMemory);
      return;
    case scheduler::IpcMode::kNone:
      settings.shm_bytes.reset();
      return;
  }
}

}  // namespace

Result<std::vector<std::string>> args_of(const scheduler::ContainerDefinition& container,
                                         const image::ImageConfig& image) {
  bool own_entry_point = !container.entry_point.empty();
  std::vector<std::string> args = own_entry_point ? container.entry_point : image.entrypoint;
  std::vector<std::string> command = container.command;
  if (command.empty() && !own_entry_point) command = image.cmd;
  args.insert(args.end(), command.begin(), command.end());
  if (args.empty()) {
    return fail(Errc::kInvalid,
                "No command specified: neither the container definition nor the image has an "
                "entry point or a command");
  }
  return args;
}

std::vector<std::string> env_of(const scheduler::ContainerDefinition& container,
                                const image::ImageConfig& image,
                                const ContainerEnvironment& fetched, const Account& account,
                                const std::string& hostname) {
  std::vector<std::string> env;
  for (const std::string& variable : image.env) set_variable(env, variable);
  for (const auto* variables : {&fetched.from_files, &container.environment}) {
    for (const scheduler::KeyValue& variable : *variables) {
      set_variable(env, variable.name + "=" + variable.value);
    }
  }
  for (const auto& [name, value] : fetched.secrets) set_variable(env, name + "=" + value.reveal());
  default_variable(env, kDefaultPath);
  default_variable(env, "HOSTNAME=" + hostname);
  default_variable(env, "HOME=" + account.home);
  if (container.pseudo_terminal) default_variable(env, "TERM=xterm");  // as Docker
  return env;
}

Result<int> parse_signal(std::string_view text) {
  if (text.empty()) return SIGTERM;
  if (auto number = parse_u64(text); number && *number >= 1 && *number <= kSignalMax) {
    return static_cast<int>(*number);
  }
  std::string_view name = without_prefix(text, "SIG");
  for (const SignalName& signal : kSignals) {
    if (name == signal.name) return signal.number;
  }
  if (name.starts_with("RTMIN")) {
    std::string_view offset = without_prefix(name.substr(5), "+");
    auto number = offset.empty() ? std::optional<uint64_t>(0) : parse_u64(offset);
    if (number && *number <= kSignalMax - kRealTimeMin) {
      return kRealTimeMin + static_cast<int>(*number);
    }
  }
  return fail(Errc::kInvalid, "stop signal \"{}\" is not a signal; see signal(7)",
              printable(text, 40));
}

namespace {

// config.json is a JSON text. The value stays unsaid: it may be a secret.
Status check_environment(const std::vector<std::string>& env) {
  for (const std::string& variable : env) {
    if (json::is_utf8(variable)) continue;
    return fail(Errc::kInvalid, "environment variable {}: its value is not UTF-8",
                printable(variable.substr(0, variable.find('=')), 100));
  }
  return {};
}

}  // namespace

Result<ContainerSettings> decide_settings(const scheduler::TaskDefinition& task,
                                          const scheduler::ContainerDefinition& container,
                                          const image::ImageConfig& image, const Account& account,
                                          const TaskPlace& task_place,
                                          const ContainerPlace& place) {
  if (container.privileged && !task_place.user_namespace.empty()) {
    return fail(Errc::kInvalid,
                "privileged: a privileged container has the powers of the host's root; run the "
                "task with --userns=host to allow that");
  }
  ContainerSettings settings;
  settings.args = TRY(args_of(container, image));
  settings.env = env_of(container, image, place.environment, account, place.hostname);
  for (const std::string& variable : place.log_variables) set_variable(settings.env, variable);
  set_endpoint_variables(settings.env, place.endpoint);
  TRY(check_environment(settings.env));
  settings.cwd = !container.working_directory.empty() ? container.working_directory
                 : !image.working_dir.empty()         ? image.working_dir
                                                      : "/";
  settings.account = account;
  settings.hostname = place.hostname;
  settings.rootfs = place.rootfs;
  settings.read_only_rootfs = container.readonly_root_filesystem;
  settings.privileged = container.privileged;
  settings.no_new_privileges = container.no_new_privileges;
  settings.terminal = container.pseudo_terminal;
  for (const scheduler::Ulimit& limit : container.ulimits) {
    settings.limits.push_back({limit.name, limit_of(limit.soft_limit), limit_of(limit.hard_limit)});
  }
  settings.devices = place.devices;
  settings.binds = binds_of(task, container, task_place, place);
  apply_linux_parameters(container.linux_parameters, settings);
  choose_pids(task.pid_mode, task_place, settings);
  choose_ipc(task.ipc_mode, task_place, settings);
  if (container.linux_parameters.init_process_enabled) {
    settings.binds.push_back({place.init_program, kInitTarget, true, false});
    settings.args.insert(settings.args.begin(), {kInitTarget, "--"});
  }
  for (const scheduler::SystemControl& control : container.system_controls) {
    settings.sysctls.emplace_back(control.name, control.value);
  }
  settings.cgroup = task_place.cgroup + "/" + container.name;
  settings.cpu_shares = std::clamp<uint64_t>(container.cpu, kSharesMin, kSharesMax);
  if (container.memory_mib) settings.memory_bytes = *container.memory_mib * kMiB;
  if (container.memory_reservation_mib) {
    settings.memory_reservation_bytes = *container.memory_reservation_mib * kMiB;
  }
  settings.user_namespace = task_place.user_namespace;
  settings.ids = task_place.ids;
  settings.network_namespace = place.network_namespace;
  return settings;
}

}  // namespace berth::agent
