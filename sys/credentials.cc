#include "sys/credentials.h"

#include "sys/call.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <utility>

namespace berth::sys {
namespace {

// In the order of their numbers, linux/capability.h.
constexpr std::array<std::string_view, kCapabilityCount> kCapabilities{"CAP_CHOWN",
                                                                       "CAP_DAC_OVERRIDE",
                                                                       "CAP_DAC_READ_SEARCH",
                                                                       "CAP_FOWNER",
                                                                       "CAP_FSETID",
                                                                       "CAP_KILL",
                                                                       "CAP_SETGID",
                                                                       "CAP_SETUID",
                                                                       "CAP_SETPCAP",
                                                                       "CAP_LINUX_IMMUTABLE",
                                                                       "CAP_NET_BIND_SERVICE",
                                                                       "CAP_NET_BROADCAST",
                                                                       "CAP_NET_ADMIN",
                                                                       "CAP_NET_RAW",
                                                                       "CAP_IPC_LOCK",
                                                                       "CAP_IPC_OWNER",
                                                                       "CAP_SYS_MODULE",
                                                                       "CAP_SYS_RAWIO",
                                                                       "CAP_SYS_CHROOT",
                                                                       "CAP_SYS_PTRACE",
                                                                       "CAP_SYS_PACCT",
                                                                       "CAP_SYS_ADMIN",
                                                                       "CAP_SYS_BOOT",
                                                                       "CAP_SYS_NICE",
                                                                       "CAP_SYS_RESOURCE",
                                                                       "CAP_SYS_TIME",
                                                                       "CAP_SYS_TTY_CONFIG",
                                                                       "CAP_MKNOD",
                                                                       "CAP_LEASE",
                                                                       "CAP_AUDIT_WRITE",
                                                                       "CAP_AUDIT_CONTROL",
                                                                       "CAP_SETFCAP",
                                                                       "CAP_MAC_OVERRIDE",
                                                                       "CAP_MAC_ADMIN",
                                                                       "CAP_SYSLOG",
                                                                       "CAP_WAKE_ALARM",
                                                                       "CAP_BLOCK_SUSPEND",
                                                                       "CAP_AUDIT_READ",
                                                                       "CAP_PERFMON",
                                                                       "CAP_BPF",
                                                                       "CAP_CHECKPOINT_RESTORE"};

constexpr std::array<std::pair<std::string_view, int>, 16> kLimits{{
    {"RLIMIT_AS", RLIMIT_AS},
    {"RLIMIT_CORE", RLIMIT_CORE},
    {"RLIMIT_CPU", RLIMIT_CPU},
    {"RLIMIT_DATA", RLIMIT_DATA},
    {"RLIMIT_FSIZE", RLIMIT_FSIZE},
    {"RLIMIT_LOCKS", RLIMIT_LOCKS},
    {"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK},
    {"RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE},
    {"RLIMIT_NICE", RLIMIT_NICE},
    {"RLIMIT_NOFILE", RLIMIT_NOFILE},
    {"RLIMIT_NPROC", RLIMIT_NPROC},
    {"RLIMIT_RSS", RLIMIT_RSS},
    {"RLIMIT_RTPRIO", RLIMIT_RTPRIO},
    {"RLIMIT_RTTIME", RLIMIT_RTTIME},
    {"RLIMIT_SIGPENDING", RLIMIT_SIGPENDING},
    {"RLIMIT_STACK", RLIMIT_STACK},
}};

__user_cap_data_struct half_of(const Capabilities& sets, int index) {
  int shift = 32 * index;
  return {.effective = static_cast<uint32_t>(sets.effective >> shift),
          .permitted = static_cast<uint32_t>(sets.permitted >> shift),
          .inheritable = static_cast<uint32_t>(sets.inheritable >> shift)};
}

CapabilitySet join_halves(uint32_t low, uint32_t high) {
  return static_cast<CapabilitySet>(low) | static_cast<CapabilitySet>(high) << 32;
}

}  // namespace

std::optional<int> capability_number(std::string_view name) {
  for (int number = 0; number < kCapabilityCount; ++number) {
    if (kCapabilities[static_cast<size_t>(number)] == name) return number;
  }
  return std::nullopt;
}

std::string_view capability_name(int number) {
  return kCapabilities[static_cast<size_t>(number)];
}

CapabilitySet missing_capabilities(CapabilitySet wanted) {
  CapabilitySet missing = 0;
  for (int number = 0; number < kCapabilityCount; ++number) {
    if ((wanted >> number & 1) == 0) continue;
    if (::prctl(PR_CAPBSET_READ, number, 0, 0, 0) != 1) missing |= CapabilitySet{1} << number;
  }
  return missing;
}

int raw_drop_bounding(CapabilitySet keep) {
  for (int number = 0; number < 64; ++number) {
    if ((keep >> number & 1) != 0) continue;
    if (::prctl(PR_CAPBSET_DROP, number, 0, 0, 0) == 0) continue;
    int error = errno;
    if (error == EINVAL) return 0;  // past the last one of this kernel
    if (::prctl(PR_CAPBSET_READ, number, 0, 0, 0) == 0) continue;
    errno = error;
    return -1;
  }
  return 0;
}

int raw_set_capabilities(const Capabilities& wanted) {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, 2> data{};
  if (::syscall(SYS_capget, &header, data.data()) != 0) return -1;
  CapabilitySet have = join_halves(data[0].permitted, data[1].permitted);
  Capabilities sets = wanted;
  sets.permitted &= have;
  sets.effective &= sets.permitted;
  sets.inheritable &= have;
  sets.ambient &= sets.permitted & sets.inheritable;
  data = {half_of(sets, 0), half_of(sets, 1)};
  if (::syscall(SYS_capset, &header, data.data()) != 0) return -1;
  if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) return -1;
  for (int number = 0; number < 64; ++number) {
    if ((sets.ambient >> number & 1) == 0) continue;
    if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0) != 0) return -1;
  }
  return 0;
}

std::optional<int> rlimit_number(std::string_view name) {
  for (const auto& [known, number] : kLimits) {
    if (known == name) return number;
  }
  return std::nullopt;
}

std::string_view rlimit_name(int resource) {
  for (const auto& [name, number] : kLimits) {
    if (number == resource) return name;
  }
  return "RLIMIT";
}

Status raise_hard_limits(pid_t pid, const std::vector<ResourceLimit>& limits) {
  for (const ResourceLimit& limit : limits) {
    std::string name(rlimit_name(limit.resource));
    auto resource = static_cast<__rlimit_resource>(limit.resource);
    rlimit now{};
    TRY(run("prlimit", name, [&] { return ::prlimit(pid, resource, nullptr, &now); }));
    if (limit.hard <= now.rlim_max) continue;
    rlimit raised{.rlim_cur = now.rlim_cur, .rlim_max = limit.hard};
    auto set = run("prlimit", name, [&] { return ::prlimit(pid, resource, &raised, nullptr); });
    if (set) continue;
    return wrap(std::move(set).error(), "raise {} from {} to {} (needs CAP_SYS_RESOURCE)", name,
                now.rlim_max, limit.hard);
  }
  return {};
}

}  // namespace berth::sys
