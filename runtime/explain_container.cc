// From bundle to program, as steps: the plan of a container in the order in which the init takes it
// (runtime/sync.h).
#include "runtime/explain.h"
#include "runtime/explain_parts.h"
#include "runtime/mount_options.h"
#include "runtime/sync.h"

#include <fmt/format.h>

#include <linux/mount.h>
#include <sched.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>

namespace berth::runtime {
namespace {

struct NamespaceText {
  int flag;
  const char* flag_name;
  const char* purpose;
};
constexpr std::array<NamespaceText, 8> kNamespaceTexts{{
    {CLONE_NEWUSER, "CLONE_NEWUSER", "ids and capabilities mean something inside only"},
    {CLONE_NEWNET, "CLONE_NEWNET", "interfaces, routes, ports and firewall of its own"},
    {CLONE_NEWIPC, "CLONE_NEWIPC", "System V IPC and message queues of its own"},
    {CLONE_NEWUTS, "CLONE_NEWUTS", "a host name of its own"},
    {CLONE_NEWCGROUP, "CLONE_NEWCGROUP",
     "its own group looks like the root: paths of the host stay unknown"},
    {CLONE_NEWPID, "CLONE_NEWPID",
     "it sees and can signal its own processes only; with its first one all end"},
    {CLONE_NEWTIME, "CLONE_NEWTIME", "monotonic clocks with offsets of their own"},
    {CLONE_NEWNS, "CLONE_NEWNS",
     "mounts of its own: nothing that it mounts is seen on the host, and the reverse"},
}};

const NamespaceText& text_of(int flag) {
  auto found = std::ranges::find(kNamespaceTexts, flag, &NamespaceText::flag);
  return found != kNamespaceTexts.end() ? *found : kNamespaceTexts.front();
}

std::string_view config_name_of(const Namespace& entry) {
  std::string_view name = entry.name;
  if (name == "net") return "network";
  if (name == "mnt") return "mount";
  return name;
}

// How unshare(1) calls it.
std::string option_of(const Namespace& entry) {
  return fmt::format("--{}", config_name_of(entry) == "network" ? "net" : config_name_of(entry));
}

Step namespace_step(const Plan& plan, const Namespace& entry) {
  const NamespaceText& text = text_of(entry.flag);
  std::string link = fmt::format("/proc/PID/ns/{}", entry.name);
  Step step;
  step.purpose = text.purpose;
  step.asked_by = fmt::format("linux.namespaces[{}]", config_name_of(entry));
  step.looks = {{.file = link, .own_namespace = true}};
  if (entry.path.empty()) {
    bool is_late = entry.flag == CLONE_NEWCGROUP;
    bool is_unshared = is_late || (entry.flag == CLONE_NEWNET && plan.unshares_network());
    step.stage = name_of(is_late ? Stage::kCgroupNamespace : Stage::kClone);
    step.effect = fmt::format("a new {} namespace", config_name_of(entry));
    step.calls = {fmt::format("{}({})", is_unshared ? "unshare" : "clone3", text.flag_name)};
    step.by_hand = fmt::format("unshare {} --fork", option_of(entry));
  } else {
    step.stage = name_of(Stage::kJoin);
    step.effect = fmt::format("the {} namespace of the task", config_name_of(entry));
    step.calls = {fmt::format("open({})", entry.path), fmt::format("setns({})", text.flag_name)};
    step.by_hand = fmt::format("nsenter {}={}", option_of(entry), entry.path);
  }
  return step;
}

template <class Pick>
void add_namespace_steps(const Plan& plan, Pick is_picked, std::vector<Step>& steps) {
  for (const Namespace& entry : plan.namespaces) {
    if (is_picked(entry)) steps.push_back(namespace_step(plan, entry));
  }
}

// "nodev,nosuid" of ",nodev,nosuid".
std::string without_comma(const std::string& text) {
  return text.empty() ? text : text.substr(1);
}

// As mount(8) wants them.
std::string options_of(const MountStep& step) {
  std::string options = attributes_text(step.set | step.recursive_set);
  for (const auto& [key, value] : step.data) {
    options += value.empty() ? fmt::format(",{}", key) : fmt::format(",{}={}", key, value);
  }
  if (step.readonly_at_end) options += ",ro";
  return without_comma(options);
}

std::string_view purpose_of(const MountStep& step) {
  struct Known {
    std::string_view target;
    std::string_view purpose;
  };
  constexpr std::array<Known, 10> kKnown{{
      {"/proc", "shows the processes of its own pid namespace"},
      {"/dev", "a few harmless devices instead of the host's"},
      {"/dev/pts", "terminals of its own: those of the host are out of reach"},
      {"/sys", "the network namespace's devices; read only, or a container could tune the host"},
      {"/sys/fs/cgroup", "it can read its own limits and cannot change them"},
      {"/dev/mqueue", "POSIX message queues of its IPC namespace"},
      {"/dev/shm", "POSIX shared memory, bounded"},
      {"/etc/hosts", "its own name and address"},
      {"/etc/hostname", "its own name"},
      {"/etc/resolv.conf", "name servers that it can reach"},
  }};
  for (const Known& known : kKnown) {
    if (known.target == step.target) return known.purpose;
  }
  if (step.target.starts_with("/sys/fs/cgroup/"))
    return "its own groups in this hierarchy, to be read";
  if (step.mapped) return "a directory of the host; root inside owns what root on the host owns";
  return step.kind == MountKind::kBind ? "a file or directory of the host, and nothing beside it"
                                       : "a file system of its own, gone with the container";
}

void explain_bind(const MountStep& mount, Step& step) {
  step.effect = fmt::format("{} of the host on {}", mount.source, mount.target);
  step.calls = {fmt::format("open_tree({}, OPEN_TREE_CLONE{})", mount.source,
                            mount.recursive ? "|AT_RECURSIVE" : "")};
  if (mount.mapped || mount.set != 0 || mount.recursive_set != 0) {
    step.calls.push_back(
        fmt::format("mount_setattr({}{})", options_of(mount), mount.mapped ? " idmap" : ""));
  }
  step.by_hand = fmt::format("mount --{} {} ROOT{}", mount.recursive ? "rbind" : "bind",
                             mount.source, mount.target);
}

void explain_file_system(const MountStep& mount, Step& step) {
  std::string options = options_of(mount);
  step.effect = fmt::format("{} on {}{}", mount.type, mount.target,
                            options.empty() ? "" : " (" + options + ")");
  step.calls = {fmt::format("fsopen({})", mount.type)};
  for (const auto& [key, value] : mount.data) {
    step.calls.push_back(value.empty() ? fmt::format("fsconfig({})", key)
                                       : fmt::format("fsconfig({}={})", key, value));
  }
  step.calls.push_back(
      fmt::format("fsmount({})", without_comma(attributes_text(mount.set | mount.recursive_set))));
  step.by_hand = fmt::format("mount -t {} {}{} ROOT{}", mount.type,
                             options.empty() ? "" : "-o " + options + " ",
                             mount.source.empty() ? mount.type : mount.source, mount.target);
}

Step mount_step(const MountStep& mount) {
  Step step;
  step.stage = name_of(Stage::kMounts);
  step.purpose = purpose_of(mount);
  step.asked_by = fmt::format("mounts[{}]", mount.target);
  switch (mount.kind) {
    case MountKind::kBind:
      explain_bind(mount, step);
      break;
    case MountKind::kFileSystem:
      explain_file_system(mount, step);
      break;
    case MountKind::kRemount:
      step.effect = fmt::format("{} becomes {}", mount.target, options_of(mount));
      step.calls = {fmt::format("mount_setattr({})", options_of(mount))};
      step.by_hand =
          fmt::format("mount -o remount,bind,{} ROOT{}", options_of(mount), mount.target);
      return step;
  }
  step.calls.push_back(fmt::format("openat2({}, RESOLVE_IN_ROOT)", mount.target));
  step.calls.emplace_back("move_mount");
  if (mount.readonly_at_end) step.calls.emplace_back("mount_setattr(ro), when the rest is in it");
  std::vector<std::string> words{mount.target, "-"};
  if (mount.kind == MountKind::kFileSystem) words.push_back(mount.type);
  step.looks = {{.file = "/proc/PID/mountinfo", .words = std::move(words)}};
  return step;
}

Step devices_step(const Plan& plan) {
  std::vector<std::string> names;
  std::string commands;
  for (const DeviceStep& device : plan.devices) {
    names.push_back(device.path);
    commands += fmt::format("mknod -m {:o} ROOT{} {} {} {}; ", device.mode, device.path,
                            device.type, device.major, device.minor);
  }
  Step step;
  step.stage = name_of(Stage::kDevices);
  step.effect = join(names, " ");
  step.calls = {
      plan.in_user_namespace
          ? "open_tree of each of the host's; move_mount: mknod is not for user namespaces"
          : "mknodat for each",
      "symlinkat for /dev/fd, stdin, stdout, stderr, ptmx"};
  step.purpose = "no disk, no memory of the kernel, no terminal of the host";
  step.by_hand = commands.empty() ? "" : commands.substr(0, commands.size() - 2);
  step.asked_by = "linux.devices";
  return step;
}

Step paths_step(const std::vector<std::string>& paths, bool masked) {
  Step step;
  step.stage = name_of(Stage::kMasks);
  step.effect = fmt::format("{}: {}", masked ? "hidden" : "read only", join(paths, " "));
  if (masked) {
    step.calls = {"openat2(path, RESOLVE_IN_ROOT)",
                  "/dev/null or an empty read-only tmpfs: move_mount over it"};
    step.purpose = "what /proc and /sys tell about the host, or let one do to it";
    step.by_hand = "mount --bind /dev/null ROOT/proc/kcore";
    step.asked_by = "linux.maskedPaths";
  } else {
    step.calls = {"openat2(path, RESOLVE_IN_ROOT)", "open_tree(OPEN_TREE_CLONE)",
                  "mount_setattr(ro)", "move_mount"};
    step.purpose = "settings of the host's kernel: to be read only";
    step.by_hand =
        "mount --bind ROOT/proc/sys ROOT/proc/sys; mount -o remount,bind,ro ROOT/proc/sys";
    step.asked_by = "linux.readonlyPaths";
  }
  return step;
}

Step pivot_step(const Plan& plan) {
  Step step;
  step.stage = name_of(Stage::kPivot);
  step.effect = plan.root_readonly
                    ? "the overlay becomes /, read only; the host's tree is unmounted"
                    : "the overlay becomes /; the host's tree is unmounted";
  step.calls = {"fchdir(root)", "pivot_root(\".\", \".\")", "umount2(\".\", MNT_DETACH)",
                "chdir(/)"};
  if (plan.root_readonly) step.calls.emplace_back("mount_setattr(ro)");
  step.purpose =
      "unlike after chroot(2) there is no way back: the host's files are in no mount of this "
      "namespace";
  step.by_hand = "cd ROOT; pivot_root . .; umount -l .; cd /";
  step.asked_by = "root.readonly";
  if (plan.root_readonly) {
    step.looks = {{.file = "/proc/PID/mountinfo", .words = {"/", "/", "ro", "-", "overlay"}}};
  }
  return step;
}

Step sysctl_step(const std::string& path, const std::string& value) {
  Step step;
  step.stage = name_of(Stage::kSysctl);
  step.effect = fmt::format("{} = {}", path, value);
  step.calls = {fmt::format("openat2({}, beneath the container's own procfs)", path),
                fmt::format("write(\"{}\")", value)};
  step.purpose = "a kernel parameter of its namespaces, not of the host";
  step.by_hand = fmt::format("echo {} > {}", value, path);
  step.asked_by = fmt::format("linux.sysctl[{}]", path);
  return step;
}

std::string names_of(sys::CapabilitySet set) {
  std::vector<std::string> names;
  for (int number = 0; number < sys::kCapabilityCount; ++number) {
    if ((set >> number & 1) != 0) names.emplace_back(sys::capability_name(number));
  }
  return names.empty() ? "none" : join(names, " ");
}

Step capabilities_step(const sys::Capabilities& capabilities) {
  Step step;
  step.stage = name_of(Stage::kCapabilities);
  step.effect = fmt::format("at most {}", names_of(capabilities.bounding));
  step.calls = {"prctl(PR_CAPBSET_DROP) for each that is not among them", "capset",
                "prctl(PR_CAP_AMBIENT)"};
  step.purpose =
      "root without the powers over the host that root has; no set-user-ID program brings them "
      "back";
  step.by_hand = "capsh --drop=... -- -c PROGRAM";
  step.asked_by = "process.capabilities";
  step.looks = {{.file = "/proc/PID/status",
                 .words = {"CapBnd:", fmt::format("{:016x}", capabilities.bounding)}}};
  return step;
}

Step user_step(const User& user) {
  Step step;
  step.stage = name_of(Stage::kUser);
  step.effect = fmt::format("user {} group {}", user.uid, user.gid);
  step.calls = {fmt::format("setgroups({} groups)", user.additional_gids.size()),
                fmt::format("setresgid({})", user.gid), fmt::format("setresuid({})", user.uid)};
  step.purpose = "files and signals are checked against this id";
  step.by_hand =
      fmt::format("setpriv --reuid {} --regid {} --clear-groups PROGRAM", user.uid, user.gid);
  step.asked_by = "process.user";
  return step;
}

Step seccomp_step(const SeccompSpec& seccomp) {
  size_t calls = 0;
  for (const SeccompRule& rule : seccomp.syscalls) calls += rule.names.size();
  Step step;
  step.stage = name_of(Stage::kSeccomp);
  step.effect =
      fmt::format("a filter of system calls: {}, but for {} names with rules of their own",
                  seccomp.default_action, calls);
  step.calls = {"libseccomp makes a BPF program, once for each profile",
                "seccomp(SECCOMP_SET_MODE_FILTER)"};
  step.purpose =
      "system calls that no program in a container needs cannot be used against the kernel";
  step.asked_by = "linux.seccomp";
  step.looks = {{.file = "/proc/PID/status", .words = {"Seccomp:", "2"}}};
  return step;
}

struct LimitName {
  int resource;
  const char* proc;  // in /proc/PID/limits
};
constexpr std::array<LimitName, 16> kLimitNames{{
    {RLIMIT_CPU, "cpu time"},
    {RLIMIT_FSIZE, "file size"},
    {RLIMIT_DATA, "data size"},
    {RLIMIT_STACK, "stack size"},
    {RLIMIT_CORE, "core file size"},
    {RLIMIT_RSS, "resident set"},
    {RLIMIT_NPROC, "processes"},
    {RLIMIT_NOFILE, "open files"},
    {RLIMIT_MEMLOCK, "locked memory"},
    {RLIMIT_AS, "address space"},
    {RLIMIT_LOCKS, "file locks"},
    {RLIMIT_SIGPENDING, "pending signals"},
    {RLIMIT_MSGQUEUE, "msgqueue size"},
    {RLIMIT_NICE, "nice priority"},
    {RLIMIT_RTPRIO, "realtime priority"},
    {RLIMIT_RTTIME, "realtime timeout"},
}};

std::vector<std::string> limit_words(const sys::ResourceLimit& limit) {
  auto shown = [](uint64_t value) {
    return value == RLIM_INFINITY ? "unlimited" : std::to_string(value);
  };
  auto name = std::ranges::find(kLimitNames, limit.resource, &LimitName::resource);
  std::vector<std::string> words{"Max"};
  if (name != kLimitNames.end()) words = words_of(fmt::format("Max {}", name->proc));
  words.push_back(shown(limit.soft));
  words.push_back(shown(limit.hard));
  return words;
}

Step rlimit_step(const sys::ResourceLimit& limit) {
  std::string name(sys::rlimit_name(limit.resource));
  Step step;
  step.stage = name_of(Stage::kRlimits);
  step.effect = fmt::format("{}: soft {}, hard {}", name, limit.soft, limit.hard);
  step.calls = {"prlimit(hard) by the parent, where it must be raised", "setrlimit"};
  step.purpose = "a bound for each process, beside the group's";
  step.by_hand = fmt::format("prlimit --{}={}:{} PROGRAM",
                             to_lower(name.substr(std::string_view("RLIMIT_").size())), limit.soft,
                             limit.hard);
  step.asked_by = fmt::format("process.rlimits[{}]", name);
  step.looks = {{.file = "/proc/PID/limits", .words = limit_words(limit)}};
  return step;
}

Step no_new_privileges_step() {
  Step step;
  step.stage = name_of(Stage::kSeccomp);
  step.effect = "no execve gives it more than it has";
  step.calls = {"prctl(PR_SET_NO_NEW_PRIVS)"};
  step.purpose = "set-user-ID and file capabilities are without effect";
  step.by_hand = "setpriv --no-new-privs PROGRAM";
  step.asked_by = "process.noNewPrivileges";
  step.looks = {{.file = "/proc/PID/status", .words = {"NoNewPrivs:", "1"}}};
  return step;
}

Step death_step() {
  Step step;
  step.stage = name_of(Stage::kDeathSignal);
  step.effect = "it dies with the shim";
  step.calls = {"prctl(PR_SET_PDEATHSIG, SIGKILL)"};
  step.purpose = "nothing runs that nobody supervises";
  step.by_hand = "setpriv --pdeathsig KILL PROGRAM";
  step.asked_by = "annotations";
  return step;
}

// For a shell.
std::string quote(const std::string& word) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=@%+,";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) return word;
  std::string quoted = "'";
  for (char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

std::string command_line(const std::vector<std::string>& args) {
  std::vector<std::string> words;
  for (const std::string& arg : args) words.push_back(quote(arg));
  return join(words, " ");
}

Step exec_step(const ProcessSpec& process) {
  Step step;
  step.stage = name_of(Stage::kExec);
  step.effect = fmt::format("{} in {}, with {} variables", command_line(process.args), process.cwd,
                            process.env.size());
  step.calls = {"close_range", fmt::format("chdir({})", process.cwd),
                fmt::format("execve({})", process.args.front())};
  step.purpose = "the program, with no descriptor but standard input, output and error";
  step.by_hand =
      fmt::format("cd {} && exec env -i ... {}", process.cwd, command_line(process.args));
  step.asked_by = "process.args";
  return step;
}

Step hostname_step(const std::string& hostname) {
  Step step;
  step.stage = name_of(Stage::kHostname);
  step.effect = fmt::format("host name {}", hostname);
  step.calls = {fmt::format("sethostname({})", hostname)};
  step.purpose = "of its UTS namespace only";
  step.by_hand = fmt::format("hostname {}", hostname);
  step.asked_by = "hostname";
  return step;
}

// On v1 the group's devices.allow, on v2 a program in the kernel that is asked at each open(2) and
// mknod(2).
Step device_filter_step(const std::vector<sys::DeviceRule>& rules, const std::string& path,
                        const sys::Cgroups& cgroups) {
  auto shown = [](const std::optional<int64_t>& number) {
    return number ? std::to_string(*number) : "*";
  };
  std::vector<std::string> allowed;
  for (const sys::DeviceRule& rule : rules) {
    if (!rule.allow) continue;
    std::string text =
        fmt::format("{} {}:{} {}", rule.type, shown(rule.major), shown(rule.minor), rule.access);
    if (std::ranges::find(allowed, text) == allowed.end()) allowed.push_back(std::move(text));
  }
  std::string directory = cgroups.at(path).directory("devices");
  Step step;
  step.stage = "cgroup";
  step.effect = fmt::format("devices: {}", allowed.empty() ? "none" : join(allowed, ", "));
  if (cgroups.is_unified()) {
    step.calls = {"bpf(BPF_PROG_LOAD, BPF_PROG_TYPE_CGROUP_DEVICE)",
                  fmt::format("bpf(BPF_PROG_ATTACH, {})", directory)};
  } else {
    step.calls = {fmt::format("write \"a\" to {}/devices.deny", directory),
                  fmt::format("write each to {}/devices.allow", directory)};
    step.by_hand = fmt::format("echo a > {0}/devices.deny; echo '{1}' > {0}/devices.allow",
                               directory, allowed.empty() ? "" : allowed.front());
    for (const std::string& rule : allowed) {
      step.looks.push_back({.file = directory + "/devices.list", .words = words_of(rule)});
    }
  }
  step.purpose = "a device node that it finds or makes opens nothing else";
  step.asked_by = "linux.resources.devices";
  return step;
}

void explain_process(const ProcessSpec& process, const Spec& spec, const Plan& plan,
                     std::vector<Step>& steps) {
  for (const sys::ResourceLimit& limit : process.rlimits) steps.push_back(rlimit_step(limit));
  if (!process.no_new_privileges && spec.seccomp) steps.push_back(seccomp_step(*spec.seccomp));
  steps.push_back(user_step(process.user));
  steps.push_back(capabilities_step(process.capabilities));
  if (plan.die_with_parent) steps.push_back(death_step());
  if (process.no_new_privileges) {
    steps.push_back(no_new_privileges_step());
    if (spec.seccomp) steps.push_back(seccomp_step(*spec.seccomp));
  }
  steps.push_back(exec_step(process));
}

}  // namespace

std::vector<Step> explain_creation(const ContainerPlan& container, const Spec& spec,
                                   const Plan& plan, const sys::Cgroups& cgroups) {
  std::vector<Step> steps;
  add_root_steps(container.rootfs, plan.in_user_namespace, steps);
  steps.push_back(group_step(cgroups, spec.cgroups_path));
  steps.back().purpose =
      "what the container uses is counted and limited by itself, within the task's group";
  add_limit_steps(cgroups, spec.cgroups_path, plan.limits, "linux.resources.", steps);
  steps.push_back(device_filter_step(plan.limits.devices, spec.cgroups_path, cgroups));
  return steps;
}

std::vector<Step> explain_init(const Spec& spec, const Plan& plan) {
  std::vector<Step> steps;
  auto joined = [](const Namespace& entry) { return !entry.path.empty(); };
  auto cloned = [](const Namespace& entry) {
    return entry.path.empty() && entry.flag != CLONE_NEWCGROUP;
  };
  auto unshared = [](const Namespace& entry) {
    return entry.path.empty() && entry.flag == CLONE_NEWCGROUP;
  };
  add_namespace_steps(plan, joined, steps);
  add_namespace_steps(plan, cloned, steps);
  add_namespace_steps(plan, unshared, steps);
  for (const MountStep& mount : plan.mounts) steps.push_back(mount_step(mount));
  if (plan.own_dev) steps.push_back(devices_step(plan));
  if (!spec.hostname.empty()) steps.push_back(hostname_step(spec.hostname));
  for (const auto& [path, value] : plan.sysctl) steps.push_back(sysctl_step(path, value));
  if (!plan.masked_paths.empty()) steps.push_back(paths_step(plan.masked_paths, /*masked=*/true));
  if (!plan.readonly_paths.empty())
    steps.push_back(paths_step(plan.readonly_paths, /*masked=*/false));
  steps.push_back(pivot_step(plan));
  if (spec.process) explain_process(*spec.process, spec, plan, steps);
  return steps;
}

}  // namespace berth::runtime
