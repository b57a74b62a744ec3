#include "agent/oci_config.h"

#include "sys/credentials.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <set>

namespace berth::agent {
namespace {

using Json = nlohmann::ordered_json;

// Docker's: what in /proc and /sys tells about or changes the host.
constexpr std::array kMaskedPaths = {"/proc/asound",
                                     "/proc/acpi",
                                     "/proc/kcore",
                                     "/proc/keys",
                                     "/proc/latency_stats",
                                     "/proc/timer_list",
                                     "/proc/timer_stats",
                                     "/proc/sched_debug",
                                     "/proc/scsi",
                                     "/sys/firmware",
                                     "/sys/devices/virtual/powercap"};
constexpr std::array kReadOnlyPaths = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
                                       "/proc/sysrq-trigger"};

Status check_known(const std::string& name) {
  if (name == "ALL" || sys::capability_number("CAP_" + name)) return {};
  return fail(Errc::kInvalid, "capability \"{}\" does not exist; see capabilities(7)", name);
}

Json mount(const std::string& target, const std::string& type, const std::string& source,
           const std::vector<std::string>& options) {
  return {{"destination", target}, {"type", type}, {"source", source}, {"options", options}};
}

// sysfs can be mounted only by the owner of the network namespace; otherwise the host's is bound.
Json sys_mount(const ContainerSettings& settings) {
  std::string access = settings.privileged ? "rw" : "ro";
  bool foreign_network = !settings.user_namespace.empty() && settings.network_namespace.empty();
  if (foreign_network) {
    return mount("/sys", "bind", "/sys", {"rbind", "nosuid", "noexec", "nodev", "rro"});
  }
  return mount("/sys", "sysfs", "sysfs", {"nosuid", "noexec", "nodev", access});
}

// procfs can be mounted only by the owner of the pid namespace; otherwise the host's is bound.
Json proc_mount(const ContainerSettings& settings) {
  bool foreign_pids =
      !settings.user_namespace.empty() && settings.pids.owner == NamespaceChoice::Owner::kHost;
  if (foreign_pids) return mount("/proc", "bind", "/proc", {"rbind", "nosuid", "noexec", "nodev"});
  return mount("/proc", "proc", "proc", {"nosuid", "noexec", "nodev"});
}

Json bind_mount(const BindMount& bind, const ContainerSettings& settings) {
  std::vector<std::string> options = {"rbind", bind.read_only ? "rro" : "rw", "rprivate"};
  Json json = mount(bind.target, "bind", bind.source, options);
  if (bind.id_mapped && settings.ids) {
    json["options"].push_back("ridmap");
    Json map = Json::array();
    map.push_back(
        {{"containerID", 0}, {"hostID", settings.ids->first}, {"size", settings.ids->size}});
    json["uidMappings"] = map;
    json["gidMappings"] = map;
  }
  return json;
}

// In a user namespace no node can be made: the host's is bound, whatever the container calls it.
bool binds_devices(const ContainerSettings& settings) {
  return !settings.user_namespace.empty();
}

Json device_mount(const Device& device) {
  return mount(device.container_path, "bind", device.host_path, {"bind", "nosuid", "noexec"});
}

Json tmpfs_mount(const Tmpfs& tmpfs) {
  std::vector<std::string> options = {"nosuid", "nodev", "noexec"};
  options.insert(options.end(), tmpfs.options.begin(), tmpfs.options.end());
  options.push_back("size=" + std::to_string(tmpfs.size_bytes));
  return mount(tmpfs.target, "tmpfs", "tmpfs", options);
}

Json mounts_of(const ContainerSettings& settings) {
  Json mounts = Json::array();
  mounts.push_back(proc_mount(settings));
  mounts.push_back(
      mount("/dev", "tmpfs", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"}));
  mounts.push_back(
      mount("/dev/pts", "devpts", "devpts",
            {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}));
  mounts.push_back(sys_mount(settings));
  mounts.push_back(
      mount("/sys/fs/cgroup", "cgroup", "cgroup",
            {"nosuid", "noexec", "nodev", "relatime", settings.privileged ? "rw" : "ro"}));
  if (settings.own_mqueue) {
    mounts.push_back(mount("/dev/mqueue", "mqueue", "mqueue", {"nosuid", "noexec", "nodev"}));
  }
  if (settings.shm_bytes) {
    mounts.push_back(mount(
        "/dev/shm", "tmpfs", "shm",
        {"nosuid", "noexec", "nodev", "mode=1777", "size=" + std::to_string(*settings.shm_bytes)}));
  }
  if (binds_devices(settings)) {
    for (const Device& device : settings.devices) mounts.push_back(device_mount(device));
  }
  for (const BindMount& bind : settings.binds) mounts.push_back(bind_mount(bind, settings));
  for (const Tmpfs& tmpfs : settings.tmpfs) mounts.push_back(tmpfs_mount(tmpfs));
  return mounts;
}

void add_namespace(Json& namespaces, const char* type, const NamespaceChoice& choice) {
  switch (choice.owner) {
    case NamespaceChoice::Owner::kContainer:
      namespaces.push_back({{"type", type}});
      return;
    case NamespaceChoice::Owner::kTask:
      namespaces.push_back({{"type", type}, {"path", choice.path}});
      return;
    case NamespaceChoice::Owner::kHost:
      return;
  }
}

Json namespaces_of(const ContainerSettings& settings) {
  Json namespaces = Json::array();
  for (const char* type : {"mount", "uts", "cgroup"}) namespaces.push_back({{"type", type}});
  add_namespace(namespaces, "pid", settings.pids);
  add_namespace(namespaces, "ipc", settings.ipc);
  if (!settings.user_namespace.empty()) {
    namespaces.push_back({{"type", "user"}, {"path", settings.user_namespace}});
  }
  if (!settings.network_namespace.empty()) {
    namespaces.push_back({{"type", "network"}, {"path", settings.network_namespace}});
  }
  return namespaces;
}

Json device_rule(bool allow, char type, std::optional<int64_t> major, std::optional<int64_t> minor,
                 const std::string& access) {
  Json rule = {{"allow", allow}, {"type", std::string(1, type)}, {"access", access}};
  if (major) rule["major"] = *major;
  if (minor) rule["minor"] = *minor;
  return rule;
}

// Docker's list: everything denied but the harmless devices, mknod of any, and the pts.
Json device_rules(const ContainerSettings& settings) {
  Json rules = Json::array();
  rules.push_back({{"allow", settings.privileged}, {"access", "rwm"}});
  if (settings.privileged) return rules;
  rules.push_back(device_rule(true, 'c', std::nullopt, std::nullopt, "m"));
  rules.push_back(device_rule(true, 'b', std::nullopt, std::nullopt, "m"));
  struct Harmless {
    int64_t major = 0;
    std::optional<int64_t> minor;
  };
  constexpr std::array kHarmless = {
      Harmless{1, 3},               // null
      Harmless{1, 5},               // zero
      Harmless{1, 7},               // full
      Harmless{1, 8},               // random
      Harmless{1, 9},               // urandom
      Harmless{5, 0},               // tty
      Harmless{5, 2},               // ptmx
      Harmless{136, std::nullopt},  // pts/*
  };
  for (const Harmless& device : kHarmless) {
    rules.push_back(device_rule(true, 'c', device.major, device.minor, "rwm"));
  }
  for (const Device& device : settings.devices) {
    rules.push_back(device_rule(true, device.type, device.major, device.minor, device.access));
  }
  return rules;
}

Json resources_of(const ContainerSettings& settings) {
  Json memory = Json::object();
  if (settings.memory_bytes) memory["limit"] = *settings.memory_bytes;
  if (settings.memory_reservation_bytes) memory["reservation"] = *settings.memory_reservation_bytes;
  if (settings.memory_bytes && settings.swap_bytes) {
    memory["swap"] = *settings.memory_bytes + *settings.swap_bytes;
  }
  if (settings.swappiness) memory["swappiness"] = *settings.swappiness;
  Json resources = {{"devices", device_rules(settings)},
                    {"cpu", {{"shares", settings.cpu_shares}}}};
  if (!memory.empty()) resources["memory"] = memory;
  return resources;
}

Json process_of(const ContainerSettings& settings, const std::vector<std::string>& capabilities) {
  Json user = {{"uid", settings.account.uid}, {"gid", settings.account.gid}};
  if (!settings.account.additional_gids.empty()) {
    user["additionalGids"] = settings.account.additional_gids;
  }
  // As Docker: a user other than root gets the sets as bounds, not in force.
  std::vector<std::string> in_force =
      settings.account.uid == 0 ? capabilities : std::vector<std::string>();
  Json process = {{"terminal", settings.terminal},
                  {"user", user},
                  {"args", settings.args},
                  {"env", settings.env},
                  {"cwd", settings.cwd},
                  {"capabilities",
                   {{"bounding", capabilities}, {"effective", in_force}, {"permitted", in_force}}},
                  {"noNewPrivileges", settings.no_new_privileges},
                  {"oomScoreAdj", 0}};
  Json limits = Json::array();
  for (const ResourceLimit& limit : settings.limits) {
    std::string type = "RLIMIT_" + limit.name;
    std::transform(type.begin(), type.end(), type.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    limits.push_back({{"type", type}, {"soft", limit.soft}, {"hard", limit.hard}});
  }
  if (!limits.empty()) process["rlimits"] = limits;
  return process;
}

Json devices_of(const ContainerSettings& settings) {
  Json devices = Json::array();
  if (binds_devices(settings)) return devices;
  for (const Device& device : settings.devices) {
    devices.push_back({{"path", device.container_path},
                       {"type", std::string(1, device.type)},
                       {"major", device.major},
                       {"minor", device.minor},
                       {"fileMode", 0666},
                       {"uid", 0},
                       {"gid", 0}});
  }
  return devices;
}

}  // namespace

const std::vector<std::string>& default_capabilities() {
  static const std::vector<std::string> kDefault = {
      "CAP_AUDIT_WRITE", "CAP_CHOWN",   "CAP_DAC_OVERRIDE",     "CAP_FOWNER",    "CAP_FSETID",
      "CAP_KILL",        "CAP_MKNOD",   "CAP_NET_BIND_SERVICE", "CAP_NET_RAW",   "CAP_SETFCAP",
      "CAP_SETGID",      "CAP_SETPCAP", "CAP_SETUID",           "CAP_SYS_CHROOT"};
  return kDefault;
}

Result<std::vector<std::string>> capabilities_of(bool privileged,
                                                 const std::vector<std::string>& add,
                                                 const std::vector<std::string>& drop) {
  std::set<std::string> all;
  for (int number = 0; number < sys::kCapabilityCount; ++number) {
    all.insert(std::string(sys::capability_name(number)));
  }
  for (const std::string& name : add) TRY(check_known(name));
  for (const std::string& name : drop) TRY(check_known(name));
  if (privileged) return std::vector<std::string>(all.begin(), all.end());

  auto has_all = [](const std::vector<std::string>& names) {
    return std::find(names.begin(), names.end(), "ALL") != names.end();
  };
  std::set<std::string> set(default_capabilities().begin(), default_capabilities().end());
  if (has_all(add)) set = all;
  if (has_all(drop)) set.clear();
  if (has_all(add) && has_all(drop)) set = all;  // as Docker: adding everything wins
  for (const std::string& name : add) {
    if (name != "ALL") set.insert("CAP_" + name);
  }
  for (const std::string& name : drop) set.erase("CAP_" + name);
  return std::vector<std::string>(set.begin(), set.end());
}

Result<std::string> render_oci_config(const ContainerSettings& settings) {
  std::vector<std::string> capabilities = TRY(
      capabilities_of(settings.privileged, settings.add_capabilities, settings.drop_capabilities));
  Json linux_part = {{"namespaces", namespaces_of(settings)},
                     {"cgroupsPath", settings.cgroup},
                     {"resources", resources_of(settings)},
                     {"devices", devices_of(settings)},
                     {"rootfsPropagation", "rslave"}};
  if (!settings.sysctls.empty()) {
    for (const auto& [key, value] : settings.sysctls) linux_part["sysctl"][key] = value;
  }
  if (!settings.privileged) {
    linux_part["maskedPaths"] = kMaskedPaths;
    linux_part["readonlyPaths"] = kReadOnlyPaths;
  }
  if (!settings.seccomp.empty()) {
    Json profile = Json::parse(settings.seccomp, nullptr, false);
    if (profile.is_discarded()) return fail(Errc::kInternal, "seccomp profile is not JSON");
    linux_part["seccomp"] = profile;
  }
  Json config = {{"ociVersion", "1.1.0"},
                 {"process", process_of(settings, capabilities)},
                 {"root", {{"path", settings.rootfs}, {"readonly", settings.read_only_rootfs}}},
                 {"hostname", settings.hostname},
                 {"mounts", mounts_of(settings)},
                 {"linux", linux_part},
                 // A container dies with its shim: none goes on unseen.
                 {"annotations", {{"berth.parent-death-signal", "KILL"}}}};
  return config.dump(2) + "\n";
}

}  // namespace berth::agent
