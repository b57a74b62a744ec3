#include "runtime/spec.h"

#include "base/log.h"
#include "base/text.h"
#include "runtime/net_devices.h"
#include "runtime/parse.h"
#include "runtime/resources.h"

#include <algorithm>
#include <array>

namespace berth::runtime {
namespace {

constexpr int64_t kMajorMax = (1 << 12) - 1;  // as mknod(2) passes them to the kernel
constexpr int64_t kMinorMax = (1 << 20) - 1;

constexpr std::array<std::string_view, 8> kNamespaces{"pid", "network", "mount",  "ipc",
                                                      "uts", "user",    "cgroup", "time"};

using parse::as_u32;
using parse::find_text;
using parse::find_texts;
using parse::find_u32;
using parse::invalid;
using parse::unsupported;

Result<std::vector<sys::IdMap>> parse_maps(const json::Node& node, std::string_view key) {
  std::vector<sys::IdMap> maps;
  for (const json::Node& line : TRY(node.find_array(key))) {
    json::Node inside = TRY(line.at("containerID"));
    json::Node outside = TRY(line.at("hostID"));
    json::Node size = TRY(line.at("size"));
    sys::IdMap map;
    map.inside = TRY(as_u32(inside));
    map.outside = TRY(as_u32(outside));
    map.size = TRY(as_u32(size));
    if (map.size == 0) return invalid(size, "must be at least 1");
    maps.push_back(map);
  }
  if (maps.size() > sys::kIdMapLinesMax) {
    return fail(Errc::kInvalid, "{}.{}: has more than {} lines", node.path(), key,
                sys::kIdMapLinesMax);
  }
  return maps;
}

Result<MountSpec> parse_mount(const json::Node& node) {
  MountSpec mount;
  mount.destination = TRY(find_text(node, "destination"));
  if (mount.destination.empty()) {
    json::Node destination = TRY(node.at("destination"));
    return invalid(destination, "must not be empty");
  }
  // Relative ones are deprecated and are "relative to /" (runtime-spec config.md, Mounts).
  if (mount.destination[0] != '/') mount.destination.insert(0, "/");
  mount.type = TRY(find_text(node, "type"));
  mount.source = TRY(find_text(node, "source"));
  mount.options = TRY(find_texts(node, "options"));
  mount.maps.uids = TRY(parse_maps(node, "uidMappings"));
  mount.maps.gids = TRY(parse_maps(node, "gidMappings"));
  if (mount.maps.uids.empty() != mount.maps.gids.empty()) {
    return invalid(node, "uidMappings and gidMappings must be given together");
  }
  return mount;
}

Result<uint16_t> parse_cells(const json::Node& size, std::string_view key) {
  json::Node cells = TRY(size.at(key));
  uint64_t count = TRY(cells.as_u64());
  if (count > std::numeric_limits<uint16_t>::max()) return invalid(cells, "is above 65535");
  return static_cast<uint16_t>(count);
}

Result<ConsoleSize> parse_console_size(const json::Node& node) {
  ConsoleSize size;
  size.width = TRY(parse_cells(node, "width"));
  size.height = TRY(parse_cells(node, "height"));
  return size;
}

Result<User> parse_user(const json::Node& node) {
  User user;
  user.uid = TRY(find_u32(node, "uid")).value_or(0);
  user.gid = TRY(find_u32(node, "gid")).value_or(0);
  user.umask = TRY(find_u32(node, "umask"));
  for (const json::Node& gid : TRY(node.find_array("additionalGids"))) {
    user.additional_gids.push_back(TRY(as_u32(gid)));
  }
  return user;
}

Result<sys::CapabilitySet> parse_capability_set(const json::Node& node, std::string_view key) {
  sys::CapabilitySet set = 0;
  for (const json::Node& entry : TRY(node.find_array(key))) {
    std::string name = TRY(entry.as_string());
    auto number = sys::capability_number(name);
    if (number) {
      set |= sys::CapabilitySet{1} << *number;
    } else {
      // "MUST be logged as a warning [...] Runtimes SHOULD NOT fail" (runtime-spec 1.1, config.md).
      LOG(kWarn, "unknown capability", {{"field", entry.path()}, {"name", printable(name, 64)}});
    }
  }
  return set;
}

Result<sys::Capabilities> parse_capabilities(const json::Node& node) {
  sys::Capabilities sets;
  sets.bounding = TRY(parse_capability_set(node, "bounding"));
  sets.effective = TRY(parse_capability_set(node, "effective"));
  sets.permitted = TRY(parse_capability_set(node, "permitted"));
  sets.inheritable = TRY(parse_capability_set(node, "inheritable"));
  sets.ambient = TRY(parse_capability_set(node, "ambient"));
  return sets;
}

Result<std::vector<sys::ResourceLimit>> parse_rlimits(const json::Node& node) {
  std::vector<sys::ResourceLimit> limits;
  for (const json::Node& entry : TRY(node.find_array("rlimits"))) {
    json::Node type = TRY(entry.at("type"));
    std::string name = TRY(type.as_string());
    auto number = sys::rlimit_number(name);
    if (!number) return invalid(type, "unknown limit " + printable(name, 64));
    json::Node soft = TRY(entry.at("soft"));
    json::Node hard = TRY(entry.at("hard"));
    sys::ResourceLimit limit{.resource = *number};
    limit.soft = TRY(soft.as_u64());
    limit.hard = TRY(hard.as_u64());
    if (limit.soft > limit.hard) return invalid(soft, "is above hard");
    for (const sys::ResourceLimit& other : limits) {
      if (other.resource == limit.resource) return invalid(type, "is given twice");
    }
    limits.push_back(limit);
  }
  return limits;
}

Result<std::vector<NamespaceSpec>> parse_namespaces(const json::Node& linux_node) {
  std::vector<NamespaceSpec> namespaces;
  for (const json::Node& entry : TRY(linux_node.find_array("namespaces"))) {
    NamespaceSpec found;
    found.type = TRY(entry.string_at("type"));
    found.path = TRY(find_text(entry, "path"));
    json::Node type = TRY(entry.at("type"));
    if (std::find(kNamespaces.begin(), kNamespaces.end(), found.type) == kNamespaces.end()) {
      return invalid(type, "unknown namespace " + printable(found.type, 64));
    }
    for (const NamespaceSpec& other : namespaces) {
      if (other.type == found.type) return invalid(type, found.type + " is given twice");
    }
    if (!found.path.empty() && found.path[0] != '/') {
      json::Node path = TRY(entry.at("path"));
      return invalid(path, "must be an absolute path");
    }
    namespaces.push_back(std::move(found));
  }
  return namespaces;
}

Result<int64_t> device_number(const json::Node& device, std::string_view key, int64_t max) {
  json::Node number = TRY(device.at(key));
  int64_t value = TRY(number.as_i64());
  if (value < 0 || value > max) return invalid(number, fmt::format("must be from 0 to {}", max));
  return value;
}

Result<std::vector<DeviceSpec>> parse_devices(const json::Node& linux_node) {
  std::vector<DeviceSpec> devices;
  for (const json::Node& entry : TRY(linux_node.find_array("devices"))) {
    DeviceSpec device;
    device.path = TRY(entry.string_at("path"));
    json::Node path = TRY(entry.at("path"));
    if (device.path.empty() || device.path[0] != '/') {
      return invalid(path, "must be an absolute path");
    }
    json::Node type = TRY(entry.at("type"));
    std::string letter = TRY(type.as_string());
    if (letter == "u") letter = "c";
    if (letter != "c" && letter != "b" && letter != "p") {
      return invalid(type, "must be c, b, u or p");
    }
    device.type = letter[0];
    if (device.type != 'p') {
      device.major = TRY(device_number(entry, "major", kMajorMax));
      device.minor = TRY(device_number(entry, "minor", kMinorMax));
    }
    device.file_mode = TRY(find_u32(entry, "fileMode"));
    device.uid = TRY(find_u32(entry, "uid")).value_or(0);
    device.gid = TRY(find_u32(entry, "gid")).value_or(0);
    devices.push_back(std::move(device));
  }
  return devices;
}

Result<std::vector<std::pair<std::string, TimeOffset>>> parse_time_offsets(const json::Node& node) {
  constexpr uint32_t kNanosecondsMax = 999999999;
  std::vector<std::pair<std::string, TimeOffset>> offsets;
  for (const auto& [clock, entry] : TRY(node.as_object())) {
    if (clock != "monotonic" && clock != "boottime") {
      return invalid(entry, "the clocks with an offset are monotonic and boottime");
    }
    TimeOffset offset;
    offset.seconds = TRY(entry.find_i64("secs")).value_or(0);
    offset.nanoseconds = TRY(find_u32(entry, "nanosecs")).value_or(0);
    if (offset.nanoseconds > kNanosecondsMax) return invalid(entry, "nanosecs is above 999999999");
    offsets.emplace_back(clock, offset);
  }
  return offsets;
}

// Numbers of <sys/personality.h>.
Result<uint64_t> parse_personality(const json::Node& node) {
  constexpr uint64_t kLinux = 0;
  constexpr uint64_t kLinux32 = 8;
  if (!TRY(node.find_strings("flags")).empty()) {
    json::Node flags = TRY(node.at("flags"));
    return invalid(flags, "the specification knows no flags");
  }
  json::Node domain = TRY(node.at("domain"));
  std::string name = TRY(domain.as_string());
  if (name == "LINUX") return kLinux;
  if (name == "LINUX32") return kLinux32;
  return invalid(domain, "must be LINUX or LINUX32");
}

// What berth-oci can do nothing about, by the reason.
Status check_absent_features(const json::Node& node) {
  auto rdt = node.find("intelRdt");
  if (!rdt) return {};
  return unsupported(*rdt, "needs a mounted resctrl file system, which berth-oci does not manage");
}

Status parse_linux(const json::Node& node, Spec& spec) {
  TRY(check_absent_features(node));
  if (auto offsets = node.find("timeOffsets")) {
    spec.time_offsets = TRY(parse_time_offsets(*offsets));
  }
  if (auto entry = node.find("personality")) spec.personality = TRY(parse_personality(*entry));
  spec.namespaces = TRY(parse_namespaces(node));
  spec.maps.uids = TRY(parse_maps(node, "uidMappings"));
  spec.maps.gids = TRY(parse_maps(node, "gidMappings"));
  spec.devices = TRY(parse_devices(node));
  spec.cgroups_path = TRY(find_text(node, "cgroupsPath"));
  if (auto resources = node.find("resources")) {
    spec.limits = TRY(parse_resources(*resources));
  }
  if (auto sysctl = node.find("sysctl")) spec.sysctl = TRY(sysctl->as_string_map());
  spec.masked_paths = TRY(find_texts(node, "maskedPaths"));
  spec.readonly_paths = TRY(find_texts(node, "readonlyPaths"));
  spec.rootfs_propagation = TRY(find_text(node, "rootfsPropagation"));
  spec.mount_label = TRY(find_text(node, "mountLabel"));
  if (auto policy = node.find("memoryPolicy")) {
    spec.memory_policy = TRY(parse_memory_policy(*policy));
  }
  if (auto devices = node.find("netDevices")) spec.net_devices = TRY(parse_net_devices(*devices));
  return {};
}

// Without a mount namespace the container has the host's mounts, and its root by chroot(2). What
// would have to be mounted is refused: it would appear on the host and outlive the container.
Status check_mount_namespace(const Spec& spec) {
  if (spec.find_namespace("mount") != nullptr) return {};
  struct Need {
    const char* field;
    bool is_there;
  };
  const Need needs[] = {
      {"mounts", !spec.mounts.empty()},
      {"root.readonly", spec.root_readonly},
      {"process.terminal", spec.process && spec.process->terminal},
      {"linux.maskedPaths", !spec.masked_paths.empty()},
      {"linux.readonlyPaths", !spec.readonly_paths.empty()},
      {"linux.rootfsPropagation", !spec.rootfs_propagation.empty()},
      {"linux.namespaces: the user namespace", spec.find_namespace("user") != nullptr},
  };
  for (const Need& need : needs) {
    if (!need.is_there) continue;
    return fail(Errc::kUnsupported,
                "{}: needs a mount namespace in linux.namespaces, else its mounts would be the "
                "host's",
                need.field);
  }
  return {};
}

Status check_whole(const Spec& spec) {
  const NamespaceSpec* user = spec.find_namespace("user");
  bool new_user = user != nullptr && user->path.empty();
  if (new_user && (spec.maps.uids.empty() || spec.maps.gids.empty())) {
    return fail(Errc::kInvalid,
                "linux.uidMappings: is required, with gidMappings, for a new user namespace");
  }
  if (user == nullptr && (!spec.maps.uids.empty() || !spec.maps.gids.empty())) {
    return fail(Errc::kInvalid, "linux.uidMappings: needs a user namespace in linux.namespaces");
  }
  TRY(check_mount_namespace(spec));
  if (!spec.net_devices.empty() && spec.find_namespace("network") == nullptr) {
    return fail(Errc::kInvalid, "linux.netDevices: needs a network namespace in linux.namespaces");
  }
  if (!spec.time_offsets.empty() && !spec.has_new("time")) {
    return fail(Errc::kInvalid, "linux.timeOffsets: needs a new time namespace");
  }
  if ((!spec.hostname.empty() || !spec.domainname.empty()) &&
      spec.find_namespace("uts") == nullptr) {
    return fail(Errc::kInvalid, "hostname: needs a uts namespace in linux.namespaces");
  }
  for (const auto& list : {spec.masked_paths, spec.readonly_paths}) {
    for (const std::string& path : list) {
      if (path.empty() || path[0] != '/') {
        return fail(Errc::kInvalid, "linux.maskedPaths, linux.readonlyPaths: {} is not absolute",
                    printable(path, 128));
      }
    }
  }
  return {};
}

Result<std::vector<SeccompArgument>> parse_seccomp_arguments(const json::Node& rule) {
  std::vector<SeccompArgument> arguments;
  for (const json::Node& entry : TRY(rule.find_array("args"))) {
    SeccompArgument argument;
    json::Node index = TRY(entry.at("index"));
    argument.index = TRY(as_u32(index));
    if (argument.index > 5) return invalid(index, "must be from 0 to 5");
    json::Node value = TRY(entry.at("value"));
    argument.value = TRY(value.as_u64());
    argument.value_two = TRY(entry.find_u64("valueTwo")).value_or(0);
    argument.op = TRY(entry.string_at("op"));
    arguments.push_back(std::move(argument));
  }
  return arguments;
}

Status parse_seccomp_of(const json::Node& linux_node, std::string_view text,
                        const KnowsSeccomp& knows, Spec& spec) {
  auto node = linux_node.find("seccomp");
  if (!node) return {};
  bool has_listener = node->find("listenerPath") || node->find("listenerMetadata");
  bool is_known = knows && node->is_object() && !has_listener && knows(node->as_written(text));
  spec.seccomp = is_known ? SeccompSpec{} : TRY(parse_seccomp(*node));
  return {};
}

}  // namespace

const NamespaceSpec* Spec::find_namespace(std::string_view type) const {
  for (const NamespaceSpec& entry : namespaces) {
    if (entry.type == type) return &entry;
  }
  return nullptr;
}

bool Spec::has_new(std::string_view type) const {
  const NamespaceSpec* found = find_namespace(type);
  return found != nullptr && found->path.empty();
}

std::string Spec::annotation(std::string_view key) const {
  for (const auto& [name, value] : annotations) {
    if (name == key) return value;
  }
  return "";
}

Result<ProcessSpec> parse_process(const json::Node& node) {
  ProcessSpec process;
  process.terminal = TRY(node.find_bool("terminal")).value_or(false);
  if (auto size = node.find("consoleSize")) process.console_size = TRY(parse_console_size(*size));
  process.apparmor_profile = TRY(find_text(node, "apparmorProfile"));
  process.selinux_label = TRY(find_text(node, "selinuxLabel"));
  if (auto entry = node.find("scheduler")) process.scheduler = TRY(parse_scheduler(*entry));
  if (auto entry = node.find("ioPriority")) process.io_priority = TRY(parse_io_priority(*entry));
  if (auto affinity = node.find("execCPUAffinity")) {
    process.exec_cpus_initial = TRY(find_cpus(*affinity, "initial"));
    process.exec_cpus_final = TRY(find_cpus(*affinity, "final"));
  }
  if (auto user = node.find("user")) process.user = TRY(parse_user(*user));
  process.args = TRY(find_texts(node, "args"));
  if (process.args.empty()) {
    return fail(Errc::kInvalid, "{}.args: must not be empty", node.path());
  }
  process.env = TRY(find_texts(node, "env"));
  process.cwd = TRY(find_text(node, "cwd"));
  if (process.cwd.empty() || process.cwd[0] != '/') {
    return fail(Errc::kInvalid, "{}.cwd: must be an absolute path", node.path());
  }
  if (auto sets = node.find("capabilities")) process.capabilities = TRY(parse_capabilities(*sets));
  process.rlimits = TRY(parse_rlimits(node));
  process.no_new_privileges = TRY(node.find_bool("noNewPrivileges")).value_or(false);
  process.oom_score_adj = TRY(node.find_i64("oomScoreAdj"));
  if (process.oom_score_adj && (*process.oom_score_adj < -1000 || *process.oom_score_adj > 1000)) {
    json::Node adjustment = TRY(node.at("oomScoreAdj"));
    return invalid(adjustment, "must be from -1000 to 1000");
  }
  return process;
}

Result<SeccompSpec> parse_seccomp(const json::Node& node) {
  SeccompSpec spec;
  spec.default_action = TRY(node.string_at("defaultAction"));
  spec.default_errno_ret = TRY(find_u32(node, "defaultErrnoRet"));
  spec.architectures = TRY(node.find_strings("architectures"));
  spec.flags = TRY(node.find_strings("flags"));
  spec.listener_path = TRY(find_text(node, "listenerPath"));
  spec.listener_metadata = TRY(find_text(node, "listenerMetadata"));
  if (spec.listener_path.empty() && !spec.listener_metadata.empty()) {
    return fail(Errc::kInvalid, "{}.listenerMetadata: needs listenerPath", node.path());
  }
  for (const json::Node& entry : TRY(node.find_array("syscalls"))) {
    SeccompRule rule;
    rule.names = TRY(entry.find_strings("names"));
    if (rule.names.empty()) return fail(Errc::kInvalid, "{}.names: is required", entry.path());
    rule.action = TRY(entry.string_at("action"));
    rule.errno_ret = TRY(find_u32(entry, "errnoRet"));
    rule.args = TRY(parse_seccomp_arguments(entry));
    spec.syscalls.push_back(std::move(rule));
  }
  return spec;
}

std::span<const std::string_view> namespace_types() {
  return kNamespaces;
}

Result<Spec> parse_spec(std::string_view text, const KnowsSeccomp& knows_seccomp) {
  auto document = TRY(json::Document::parse(text, {.name = "config.json", .text_max = kConfigMax}));
  json::Node node = document.root();
  Spec spec;
  spec.oci_version = TRY(node.string_at("ociVersion"));
  if (!spec.oci_version.starts_with("1.")) {
    json::Node version = TRY(node.at("ociVersion"));
    return unsupported(version, "must be 1.x, not " + printable(spec.oci_version, 32));
  }
  json::Node root = TRY(node.at("root"));
  spec.root_path = TRY(root.string_at("path"));
  if (spec.root_path.empty()) {
    json::Node path = TRY(root.at("path"));
    return invalid(path, "must not be empty");
  }
  spec.root_readonly = TRY(root.find_bool("readonly")).value_or(false);
  spec.hostname = TRY(find_text(node, "hostname"));
  spec.domainname = TRY(find_text(node, "domainname"));
  for (const json::Node& mount : TRY(node.find_array("mounts"))) {
    spec.mounts.push_back(TRY(parse_mount(mount)));
  }
  if (auto process = node.find("process")) spec.process = TRY(parse_process(*process));
  if (auto hooks = node.find("hooks")) spec.hooks = TRY(parse_hooks(*hooks));
  if (auto linux_node = node.find("linux")) {
    TRY(parse_linux(*linux_node, spec));
    TRY(parse_seccomp_of(*linux_node, text, knows_seccomp, spec));
  }
  if (auto annotations = node.find("annotations")) {
    spec.annotations = TRY(annotations->as_string_map());
  }
  TRY(check_whole(spec));
  return spec;
}

}  // namespace berth::runtime
