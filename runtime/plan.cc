#include "runtime/plan.h"

#include "base/text.h"
#include "runtime/mount_options.h"
#include "runtime/propagation.h"

#include <linux/mount.h>
#include <sched.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <string_view>

namespace berth::runtime {
namespace {

struct NamespaceKind {
  std::string_view oci;
  const char* kernel;
  int flag;
};
// In joining order: the user namespace first, so that its owner's rights serve for the others.
constexpr std::array<NamespaceKind, 8> kKinds{{
    {"user", "user", CLONE_NEWUSER},
    {"network", "net", CLONE_NEWNET},
    {"ipc", "ipc", CLONE_NEWIPC},
    {"uts", "uts", CLONE_NEWUTS},
    {"cgroup", "cgroup", CLONE_NEWCGROUP},
    {"pid", "pid", CLONE_NEWPID},
    {"time", "time", CLONE_NEWTIME},
    {"mount", "mnt", CLONE_NEWNS},
}};

std::vector<DeviceStep> default_devices() {
  auto device = [](const char* path, uint32_t major, uint32_t minor) {
    return DeviceStep{.path = path, .type = 'c', .major = major, .minor = minor};
  };
  return {device("/dev/null", 1, 3),   device("/dev/zero", 1, 5),    device("/dev/full", 1, 7),
          device("/dev/random", 1, 8), device("/dev/urandom", 1, 9), device("/dev/tty", 5, 0)};
}

// "/a/../b//c/" -> "/b/c". Only the text: symlinks are the init's affair.
std::string clean_path(const std::string& path) {
  std::vector<std::string> pieces;
  for (const std::string& piece : split(path, '/')) {
    if (piece.empty() || piece == ".") continue;
    if (piece == "..") {
      if (!pieces.empty()) pieces.pop_back();
    } else {
      pieces.push_back(piece);
    }
  }
  return fmt::format("/{}", join(pieces, "/"));
}

// True when the option was about the mount and not for the file system.
bool apply_option(MountStep& step, const std::string& text) {
  const MountOption* option = find_mount_option(text);
  if (option == nullptr) return false;
  switch (option->kind) {
    case OptionKind::kAttribute:
      step.set = (step.set & ~option->clear) | option->set;
      step.clear = (step.clear & ~option->set) | option->clear;
      return true;
    case OptionKind::kRecursive:
      step.recursive_set = (step.recursive_set & ~option->clear) | option->set;
      step.recursive_clear = (step.recursive_clear & ~option->set) | option->clear;
      return true;
    case OptionKind::kPropagation:
      step.propagation = option->set;
      step.recursive_propagation = option->recursive;
      return true;
    case OptionKind::kBind:
    case OptionKind::kRecursiveBind:
      if (step.kind != MountKind::kRemount) step.kind = MountKind::kBind;
      step.recursive = option->kind == OptionKind::kRecursiveBind;
      return true;
    case OptionKind::kIdMap:
    case OptionKind::kRecursiveIdMap:
      step.mapped = true;
      step.recursive_map = option->kind == OptionKind::kRecursiveIdMap;
      return true;
    case OptionKind::kRemount:
      step.kind = MountKind::kRemount;
      return true;
    case OptionKind::kCopyUp:
      step.copy_up = true;
      return true;
    case OptionKind::kFileSystem:
      return false;
    case OptionKind::kNothing:
      return true;
  }
  return false;
}

Result<MountStep> plan_mount(const MountSpec& mount, size_t index) {
  MountStep step{
      .target = clean_path(mount.destination), .type = mount.type, .source = mount.source};
  step.maps = mount.maps;
  step.mapped = !mount.maps.uids.empty();
  if (mount.type == "bind" || mount.type == "rbind") step.kind = MountKind::kBind;
  for (const std::string& option : mount.options) {
    if (apply_option(step, option)) continue;
    size_t equals = option.find('=');
    step.data.emplace_back(option.substr(0, equals),
                           equals == std::string::npos ? "" : option.substr(equals + 1));
  }
  if (step.copy_up && (mount.type != "tmpfs" || step.kind != MountKind::kFileSystem)) {
    return fail(Errc::kInvalid, "mounts[{}].options: tmpcopyup is for a tmpfs", index);
  }
  if (step.kind != MountKind::kBind && step.mapped) {
    return fail(Errc::kUnsupported, "mounts[{}]: only bind mounts can have ids mapped", index);
  }
  if (step.kind == MountKind::kFileSystem) return step;
  step.data.clear();  // mount(8): a bind has no file system of its own to give them to
  return step;
}

// A container must not cover its /proc with files that it controls: write paths of ours lead
// through it (CVE-2019-16884 and its kin).
Status check_proc_cover(const MountStep& step, size_t index) {
  constexpr std::array<std::string_view, 9> kHarmless{
      "/proc/cpuinfo", "/proc/diskstats", "/proc/meminfo",  "/proc/stat",   "/proc/swaps",
      "/proc/uptime",  "/proc/loadavg",   "/proc/slabinfo", "/proc/net/dev"};
  if (step.target == "/") return fail(Errc::kInvalid, "mounts[{}].destination: is the root", index);
  bool is_proc = step.target == "/proc";
  if (!is_proc && !step.target.starts_with("/proc/")) return {};
  if (is_own_proc(step)) return {};
  if (is_proc && step.kind == MountKind::kBind && clean_path(step.source) == "/proc") return {};
  if (std::find(kHarmless.begin(), kHarmless.end(), step.target) != kHarmless.end()) return {};
  return fail(Errc::kInvalid, "mounts[{}].destination: {} is inside /proc", index,
              printable(step.target, 128));
}

// One "cgroup" mount of the spec: on v2 one file system, on v1 a tmpfs with one mount for each
// hierarchy, as containers expect to find it.
void append_cgroup_mounts(const MountStep& step, bool own_namespace, const HostFacts& host,
                          std::vector<MountStep>& steps) {
  auto child = [&](const std::string& target, const std::string& mount) {
    MountStep made{.target = target, .set = step.set};
    made.kind = own_namespace ? MountKind::kFileSystem : MountKind::kBind;
    made.source = own_namespace ? "cgroup" : mount + host.cgroup_path;
    return made;
  };
  if (host.cgroups.is_unified()) {
    MountStep whole = child(step.target, host.cgroups.unified_mount());
    whole.type = "cgroup2";
    steps.push_back(std::move(whole));
    return;
  }
  MountStep base{.target = step.target, .type = "tmpfs", .source = "tmpfs"};
  base.data = {{"mode", "755"}};
  base.set = step.set & ~uint64_t{MOUNT_ATTR_RDONLY};
  base.readonly_at_end = (step.set & MOUNT_ATTR_RDONLY) != 0;
  steps.push_back(std::move(base));
  std::string last;
  for (const auto& controller : host.cgroups.controllers()) {
    if (controller.mount == last) {
      if (own_namespace) steps.back().data.emplace_back(controller.name, "");
      continue;
    }
    last = controller.mount;
    // Where the container has no group of its own it would see the host's.
    if (!sys::enters_always(controller.name)) continue;
    MountStep one =
        child(step.target + controller.mount.substr(controller.mount.rfind('/')), controller.mount);
    one.type = "cgroup";
    if (own_namespace) one.data = {{controller.name, ""}};
    steps.push_back(std::move(one));
  }
}

// As the kernel documents: procfs and sysfs have labels of their own, control groups and message
// queues none to be chosen.
bool takes_label(const MountStep& step) {
  constexpr std::array<std::string_view, 5> kNever{"proc", "sysfs", "cgroup", "cgroup2", "mqueue"};
  return step.kind == MountKind::kFileSystem &&
         std::find(kNever.begin(), kNever.end(), step.type) == kNever.end();
}

Status label_mounts(const Spec& spec, const HostFacts& host, Plan& plan) {
  if (spec.mount_label.empty()) return {};
  if (!host.has_selinux) {
    return fail(Errc::kUnsupported, "linux.mountLabel: SELinux is not at work on this host");
  }
  for (MountStep& step : plan.mounts) {
    if (takes_label(step)) step.data.emplace_back("context", spec.mount_label);
  }
  return {};
}

Status plan_mounts(const Spec& spec, const HostFacts& host, Plan& plan) {
  plan.own_dev = true;
  for (size_t i = 0; i < spec.mounts.size(); ++i) {
    MountStep step = TRY(plan_mount(spec.mounts[i], i));
    TRY(check_proc_cover(step, i));
    if (step.target == "/dev" && step.kind == MountKind::kBind) plan.own_dev = false;
    if (is_own_proc(step) || is_hosts_proc(step)) plan.has_proc = true;
    if (step.target == "/dev" && (step.set & MOUNT_ATTR_RDONLY) != 0 && plan.own_dev) {
      step.set &= ~uint64_t{MOUNT_ATTR_RDONLY};
      step.readonly_at_end = true;
    }
    if (step.kind == MountKind::kFileSystem && step.type == "cgroup") {
      append_cgroup_mounts(step, spec.has_new("cgroup"), host, plan.mounts);
    } else {
      plan.mounts.push_back(std::move(step));
    }
  }
  return {};
}

void keep_last_of_each_path(std::vector<DeviceStep>& devices) {
  std::set<std::string> seen;
  std::reverse(devices.begin(), devices.end());
  std::erase_if(devices, [&](const DeviceStep& step) { return !seen.insert(step.path).second; });
  std::reverse(devices.begin(), devices.end());
}

void plan_devices(const Spec& spec, Plan& plan) {
  if (!plan.own_dev) return;
  plan.devices = default_devices();
  for (const DeviceSpec& device : spec.devices) {
    DeviceStep step{.path = clean_path(device.path),
                    .type = device.type,
                    .major = static_cast<uint32_t>(device.major),
                    .minor = static_cast<uint32_t>(device.minor),
                    .mode = device.file_mode.value_or(0666) & 07777,
                    .uid = device.uid,
                    .gid = device.gid};
    plan.devices.push_back(std::move(step));
  }
  keep_last_of_each_path(plan.devices);
  plan.links = {{"/dev/ptmx", "pts/ptmx"},          {"/dev/fd", "/proc/self/fd"},
                {"/dev/stdin", "/proc/self/fd/0"},  {"/dev/stdout", "/proc/self/fd/1"},
                {"/dev/stderr", "/proc/self/fd/2"}, {"/dev/core", "/proc/kcore"}};
}

// Rules that forbid are followed, as in runc and crun, by what every container may: make nodes
// (which opens nothing), and use the default devices and its terminals.
void allow_default_devices(std::vector<sys::DeviceRule>& rules) {
  if (rules.empty()) return;
  auto allow = [&](char type, std::optional<int64_t> major, std::optional<int64_t> minor,
                   const char* access) {
    rules.push_back(
        {.allow = true, .type = type, .major = major, .minor = minor, .access = access});
  };
  allow('c', std::nullopt, std::nullopt, "m");
  allow('b', std::nullopt, std::nullopt, "m");
  for (const DeviceStep& device : default_devices()) {
    allow('c', device.major, device.minor, "rwm");
  }
  allow('c', 5, 2, "rwm");               // /dev/ptmx
  allow('c', 136, std::nullopt, "rwm");  // /dev/pts/*
}

// Only what a namespace of the container holds may be written; the rest is the host's.
bool is_namespaced_sysctl(const Spec& spec, const std::string& key) {
  auto any_of = [&](std::initializer_list<std::string_view> names) {
    return std::any_of(names.begin(), names.end(),
                       [&](std::string_view name) { return key == name; });
  };
  if (any_of({"kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem", "kernel.shmall",
              "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced"}) ||
      key.starts_with("fs.mqueue.")) {
    return spec.find_namespace("ipc") != nullptr;
  }
  if (key.starts_with("net.")) return spec.find_namespace("network") != nullptr;
  return key == "kernel.domainname" && spec.find_namespace("uts") != nullptr;
}

Status plan_sysctl(const Spec& spec, Plan& plan) {
  for (auto [key, value] : spec.sysctl) {
    bool slashes = key.find('/') != std::string::npos;
    std::string dotted = key;
    if (slashes) std::replace(dotted.begin(), dotted.end(), '/', '.');
    if (!is_namespaced_sysctl(spec, dotted) || dotted.find("..") != std::string::npos) {
      return fail(Errc::kInvalid, "linux.sysctl.{}: is not held by a namespace of this container",
                  printable(key, 128));
    }
    if (!slashes) std::replace(key.begin(), key.end(), '.', '/');
    plan.sysctl.emplace_back("/proc/sys/" + key, value);
  }
  if (!plan.sysctl.empty() && !plan.has_proc) {
    return fail(Errc::kInvalid, "linux.sysctl: needs a proc mount at /proc");
  }
  return {};
}

}  // namespace

uint64_t Plan::clone_flags() const {
  uint64_t flags = 0;
  for (const Namespace& entry : namespaces) {
    if (entry.path.empty()) flags |= static_cast<uint64_t>(entry.flag);
  }
  if (unshares_network()) flags &= ~uint64_t{CLONE_NEWNET};
  return flags & ~uint64_t{CLONE_NEWCGROUP | CLONE_NEWTIME};
}

bool Plan::unshares_network() const {
  return makes(CLONE_NEWNET) && !network_at_birth;
}

bool Plan::has(int flag) const {
  return joins(flag) || makes(flag);
}

bool Plan::joins(int flag) const {
  return std::any_of(namespaces.begin(), namespaces.end(), [&](const Namespace& entry) {
    return entry.flag == flag && !entry.path.empty();
  });
}

bool Plan::makes(int flag) const {
  return std::any_of(namespaces.begin(), namespaces.end(), [&](const Namespace& entry) {
    return entry.flag == flag && entry.path.empty();
  });
}

Result<Plan> make_plan(const Spec& spec, const HostFacts& host) {
  Plan plan;
  for (const NamespaceKind& kind : kKinds) {
    const NamespaceSpec* found = spec.find_namespace(kind.oci);
    if (found != nullptr) plan.namespaces.push_back({kind.flag, kind.kernel, found->path});
  }
  plan.network_at_birth = !spec.net_devices.empty();
  plan.in_user_namespace = spec.find_namespace("user") != nullptr;
  plan.root_propagation = kSlave;
  if (!spec.rootfs_propagation.empty()) {
    plan.root_propagation = propagation_named(spec.rootfs_propagation);
    if (plan.root_propagation == 0) {
      return fail(Errc::kInvalid, "linux.rootfsPropagation: unknown {}",
                  printable(spec.rootfs_propagation, 32));
    }
    plan.root_receives = plan.root_propagation == kSlave;
  }
  for (const auto& [clock, offset] : spec.time_offsets) {
    plan.time_offsets += fmt::format("{} {} {}\n", clock, offset.seconds, offset.nanoseconds);
  }
  plan.root_readonly = spec.root_readonly;
  TRY(plan_mounts(spec, host, plan));
  TRY(label_mounts(spec, host, plan));
  plan_devices(spec, plan);
  for (const std::string& path : spec.masked_paths) plan.masked_paths.push_back(clean_path(path));
  for (const std::string& path : spec.readonly_paths) {
    plan.readonly_paths.push_back(clean_path(path));
  }
  TRY(plan_sysctl(spec, plan));
  plan.limits = spec.limits;
  allow_default_devices(plan.limits.devices);
  std::string death = spec.annotation("berth.parent-death-signal");
  if (!death.empty() && death != "KILL") {
    return fail(Errc::kInvalid, "annotations[\"berth.parent-death-signal\"]: must be KILL");
  }
  plan.die_with_parent = !death.empty();
  return plan;
}

std::string render(const Plan& plan) {
  std::string text;
  for (const Namespace& entry : plan.namespaces) {
    text += fmt::format("namespace {} {}\n", entry.name,
                        entry.path.empty() ? "new" : fmt::format("join {}", entry.path));
  }
  for (const MountStep& step : plan.mounts) {
    text += fmt::format("{} {} on {}{}", step.kind == MountKind::kBind ? "bind" : "mount",
                        step.kind == MountKind::kBind ? step.source : step.type, step.target,
                        attributes_text(step.set));
    for (const auto& [key, value] : step.data) {
      text += value.empty() ? fmt::format(",{}", key) : fmt::format(",{}={}", key, value);
    }
    if (step.mapped) text += ",idmap";
    text += '\n';
  }
  for (const DeviceStep& device : plan.devices) {
    text += fmt::format("device {} {} {}:{} {:o}\n", device.path, device.type, device.major,
                        device.minor, device.mode);
  }
  for (const std::string& path : plan.masked_paths) text += fmt::format("mask {}\n", path);
  for (const std::string& path : plan.readonly_paths) text += fmt::format("read-only {}\n", path);
  for (const auto& [path, value] : plan.sysctl) text += fmt::format("write {} {}\n", path, value);
  if (plan.root_readonly) text += "read-only /\n";
  return text;
}

}  // namespace berth::runtime
