#include "runtime/default_spec.h"

#include "runtime/seccomp_profile.h"
#include "sys/credentials.h"

#include <nlohmann/json.hpp>

namespace berth::runtime {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kCapabilities[] = {
    "CAP_AUDIT_WRITE", "CAP_CHOWN",   "CAP_DAC_OVERRIDE",     "CAP_FOWNER",    "CAP_FSETID",
    "CAP_KILL",        "CAP_MKNOD",   "CAP_NET_BIND_SERVICE", "CAP_NET_RAW",   "CAP_SETFCAP",
    "CAP_SETGID",      "CAP_SETPCAP", "CAP_SETUID",           "CAP_SYS_CHROOT"};

sys::CapabilitySet capability_set() {
  sys::CapabilitySet set = 0;
  for (const char* name : kCapabilities) {
    set |= sys::CapabilitySet{1} << sys::capability_number(name).value_or(0);
  }
  return set;
}

Json mount(const char* destination, const char* type, const char* source,
           std::vector<std::string> options) {
  return {{"destination", destination},
          {"type", type},
          {"source", source},
          {"options", std::move(options)}};
}

Json mounts() {
  return Json::array({
      mount("/proc", "proc", "proc", {"nosuid", "noexec", "nodev"}),
      mount("/dev", "tmpfs", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"}),
      mount("/dev/pts", "devpts", "devpts",
            {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}),
      mount("/dev/shm", "tmpfs", "shm", {"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"}),
      mount("/dev/mqueue", "mqueue", "mqueue", {"nosuid", "noexec", "nodev"}),
      mount("/sys", "sysfs", "sysfs", {"nosuid", "noexec", "nodev", "ro"}),
      mount("/sys/fs/cgroup", "cgroup", "cgroup", {"nosuid", "noexec", "nodev", "relatime", "ro"}),
  });
}

Json process() {
  std::vector<std::string> names(std::begin(kCapabilities), std::end(kCapabilities));
  return {{"terminal", false},
          {"user", {{"uid", 0}, {"gid", 0}}},
          {"args", {"sh"}},
          {"env", {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}},
          {"cwd", "/"},
          {"capabilities", {{"bounding", names}, {"effective", names}, {"permitted", names}}},
          {"noNewPrivileges", true}};
}

Json without_owner(const Json& options) {
  Json kept = Json::array();
  for (const std::string option : options) {
    if (!option.starts_with("gid=") && !option.starts_with("uid=")) kept.push_back(option);
  }
  return kept;
}

void make_rootless(const RootlessUser& user, Json& spec) {
  Json kept = Json::array();
  for (const Json& entry : spec["linux"]["namespaces"]) {
    if (entry["type"] != "network") kept.push_back(entry);
  }
  kept.push_back({{"type", "user"}});
  spec["linux"]["namespaces"] = kept;
  auto map = [](uint32_t id) {
    return Json::array({{{"containerID", 0}, {"hostID", id}, {"size", 1}}});
  };
  spec["linux"]["uidMappings"] = map(user.uid);
  spec["linux"]["gidMappings"] = map(user.gid);
  spec["linux"].erase("resources");
  for (Json& entry : spec["mounts"]) {
    if (entry["destination"] == "/sys") {
      // A new sysfs needs a network namespace of the user's own.
      entry = mount("/sys", "none", "/sys", {"rbind", "nosuid", "noexec", "nodev", "ro"});
    } else {
      entry["options"] = without_owner(entry["options"]);
    }
  }
}

}  // namespace

std::string render_default_spec(const std::optional<RootlessUser>& rootless) {
  Json spec{{"ociVersion", "1.2.0"},
            {"process", process()},
            {"root", {{"path", "rootfs"}, {"readonly", true}}},
            {"hostname", "berth"},
            {"mounts", mounts()}};
  Json namespaces = Json::array();
  for (const char* type : {"pid", "network", "ipc", "uts", "mount", "cgroup"}) {
    namespaces.push_back({{"type", type}});
  }
  spec["linux"] = {
      {"namespaces", namespaces},
      {"resources", {{"devices", Json::array({{{"allow", false}, {"access", "rwm"}}})}}},
      {"seccomp", Json::parse(render_seccomp_json(default_seccomp_profile(capability_set())))},
      {"maskedPaths",
       {"/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
        "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware",
        "/sys/devices/virtual/powercap"}},
      {"readonlyPaths",
       {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"}}};
  if (rootless) make_rootless(*rootless, spec);
  return spec.dump(2) + "\n";
}

}  // namespace berth::runtime
