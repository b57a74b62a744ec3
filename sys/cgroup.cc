#include "sys/cgroup.h"

#include "base/text.h"
#include "sys/call.h"
#include "sys/device_filter.h"
#include "sys/file.h"
#include "sys/spawn.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <ctime>
#include <map>

namespace berth::sys {
namespace {

constexpr size_t kFileMax = 1024 * 1024;
constexpr int kKillRounds = 100;
constexpr int kGoneWaitMs = 5000;    // how long dying processes may take to leave a group
constexpr int kRemoveRounds = 2500;  // times kRemovePauseMs: 5 s
constexpr int kRemovePauseMs = 2;
constexpr const char* kAllControllers = "cpu cpuset memory pids hugetlb io";

constexpr std::array<std::string_view, 6> kAlways{"cpu",     "cpuacct", "memory",
                                                  "devices", "freezer", "pids"};

Status make_chain(const std::string& mount, const std::string& path) {
  if (make_directory(mount + path, 0755)) return {};
  size_t slash = 0;
  while ((slash = path.find('/', slash + 1)) != std::string::npos) {
    TRY(make_directory(mount + path.substr(0, slash), 0755));
  }
  return make_directory(mount + path, 0755);
}

Status write_value(const std::string& directory, const std::string& file,
                   const std::string& value) {
  auto written = write_to(directory + "/" + file, value);
  if (written) return written;
  return wrap(std::move(written).error(), "set {} to {}", file, printable(value, 64));
}

std::string limit_text(int64_t value) {
  return value < 0 ? "max" : std::to_string(value);
}

// Value of `key` in a file of "key value" lines; 0 when absent.
uint64_t value_of(const std::string& text, std::string_view key) {
  for (const std::string& line : split(text, '\n')) {
    if (line.size() > key.size() && line.compare(0, key.size(), key) == 0 &&
        line[key.size()] == ' ') {
      return parse_u64(trim(std::string_view(line).substr(key.size()))).value_or(0);
    }
  }
  return 0;
}

Result<std::string> read_in(const std::string& directory, const std::string& file) {
  return read_file(directory + "/" + file, kFileMax);
}

uint64_t number_in(const std::string& directory, const std::string& file) {
  auto text = read_in(directory, file);
  return text ? parse_u64(trim(*text)).value_or(0) : 0;
}

bool is_gone(const Error& error) {
  return error.code == Errc::kNotFound || error.errno_value == ENODEV;
}

// The groups below, deepest first, then the group itself; nothing for a missing one.
Result<std::vector<std::string>> tree_of(const std::string& directory) {
  std::vector<std::string> tree;
  auto names = list_directory(directory);
  if (!names && is_gone(names.error())) return tree;
  for (const std::string& name : TRY(std::move(names))) {
    std::string child = directory + "/" + name;
    auto st = stat(child);
    if (!st && is_gone(st.error())) continue;
    if (!S_ISDIR(TRY(std::move(st)).st_mode)) continue;
    for (std::string& below : TRY(tree_of(child))) tree.push_back(std::move(below));
  }
  tree.push_back(directory);
  return tree;
}

Result<std::vector<pid_t>> processes_in(const std::string& directory) {
  std::vector<pid_t> pids;
  for (const std::string& group : TRY(tree_of(directory))) {
    auto text = read_in(group, "cgroup.procs");
    if (!text) {
      if (is_gone(text.error()) || text.error().errno_value == EOPNOTSUPP) continue;
      return tl::unexpected<Error>(std::move(text).error());
    }
    for (const std::string& line : split(*text, '\n')) {
      if (auto pid = parse_u64(line); pid && *pid != 0) pids.push_back(static_cast<pid_t>(*pid));
    }
  }
  return pids;
}

// A process that is still the one we saw: its pidfd was opened before it was seen again in the
// group, so its number cannot have been given to a stranger in between.
std::vector<Fd> open_members(const std::string& directory) {
  std::map<pid_t, Fd> opened;
  for (pid_t pid : processes_in(directory).value_or(std::vector<pid_t>())) {
    auto pidfd = open_pidfd(pid);
    if (pidfd) opened.emplace(pid, std::move(*pidfd));
  }
  std::vector<Fd> members;
  for (pid_t pid : processes_in(directory).value_or(std::vector<pid_t>())) {
    auto found = opened.find(pid);
    if (found == opened.end()) continue;
    members.push_back(std::move(found->second));
    opened.erase(found);
  }
  return members;
}

// Waits (bounded) for the descriptor: a pidfd is readable when its process has died, cgroup.events
// has news (POLLPRI) when the last one has left.
void await(int fd, short events, int timeout_ms) {
  pollfd polled{fd, events, 0};
  (void)::poll(&polled, 1, timeout_ms);  // the caller looks again, whatever it says
}

// rmdir, waiting while the kernel still takes dying processes apart: on v2 cgroup.events tells when
// the group is empty; v1 has no such file, and a process that is dead for its pidfd may be counted
// a moment longer, so there a short pause is left.
Status remove_one(const std::string& directory) {
  for (int round = 0;; ++round) {
    auto removed = run("rmdir", directory, [&] { return ::rmdir(directory.c_str()); });
    if (removed || removed.error().errno_value == ENOENT) return {};
    if (removed.error().errno_value != EBUSY || round == kRemoveRounds) return removed;
    auto events = open(directory + "/cgroup.events", O_RDONLY);
    if (events) {
      // Reading arms the poll.
      auto text = read_all(events->get(), kFileMax);
      if (text && value_of(*text, "populated") == 1) await(events->get(), POLLPRI, kRemovePauseMs);
      continue;
    }
    std::vector<Fd> members = open_members(directory);
    if (!members.empty()) {
      await(members.front().get(), POLLIN, kRemovePauseMs);
    } else {
      timespec pause{.tv_sec = 0, .tv_nsec = kRemovePauseMs * 1000000L};
      ::nanosleep(&pause, nullptr);
    }
  }
}

Status set_cpu_v1(const std::string& directory, const CgroupLimits& limits) {
  if (limits.cpu_shares) {
    TRY(write_value(directory, "cpu.shares", std::to_string(*limits.cpu_shares)));
  }
  if (limits.cpu_period_us) {
    TRY(write_value(directory, "cpu.cfs_period_us", std::to_string(*limits.cpu_period_us)));
  }
  if (limits.cpu_quota_us) {
    TRY(write_value(directory, "cpu.cfs_quota_us", std::to_string(*limits.cpu_quota_us)));
  }
  if (limits.cpu_burst_us) {
    TRY(write_value(directory, "cpu.cfs_burst_us", std::to_string(*limits.cpu_burst_us)));
  }
  return {};
}

Status set_memory_v1(const std::string& directory, const CgroupLimits& limits) {
  // memsw must never be below the limit, so with both given and growing, memsw goes first. A fresh
  // group has none, so the limit first is right for it; on refusal try the other order.
  auto set_limit = [&]() -> Status {
    if (!limits.memory_max_bytes) return {};
    return write_value(directory, "memory.limit_in_bytes",
                       std::to_string(*limits.memory_max_bytes));
  };
  auto set_swap = [&]() -> Status {
    // Kernels without swap accounting have no such file: then nothing is swapped from the group's
    // account either, and only an explicit limit is refused.
    if (!limits.memory_and_swap_max_bytes) return {};
    return write_value(directory, "memory.memsw.limit_in_bytes",
                       std::to_string(*limits.memory_and_swap_max_bytes));
  };
  if (auto first = set_limit(); !first) {
    if (!limits.memory_and_swap_max_bytes) return first;
    TRY(set_swap());
    TRY(set_limit());
  } else {
    TRY(set_swap());
  }
  if (limits.memory_low_bytes) {
    TRY(write_value(directory, "memory.soft_limit_in_bytes",
                    std::to_string(*limits.memory_low_bytes)));
  }
  if (limits.swappiness) {
    TRY(write_value(directory, "memory.swappiness", std::to_string(*limits.swappiness)));
  }
  return {};
}

std::string device_text(const DeviceRule& rule) {
  auto number = [](const std::optional<int64_t>& value) {
    return value ? std::to_string(*value) : std::string("*");
  };
  return fmt::format("{} {}:{} {}", rule.type, number(rule.major), number(rule.minor), rule.access);
}

Status set_devices_v1(const std::string& directory, const CgroupLimits& limits) {
  for (const DeviceRule& rule : limits.devices) {
    bool everything = rule.type == 'a' && !rule.major && !rule.minor;
    TRY(write_value(directory, rule.allow ? "devices.allow" : "devices.deny",
                    everything ? "a" : device_text(rule)));
  }
  return {};
}

// A fresh v1 cpuset is empty and takes no process: what is not asked for is the parent's.
Status set_cpuset_v1(const std::string& mount, const std::string& path,
                     const CgroupLimits& limits) {
  size_t slash = 0;
  while (slash != std::string::npos) {
    slash = path.find('/', slash + 1);
    std::string prefix = path.substr(0, slash);
    size_t parent_end = prefix.rfind('/');
    for (const char* file : {"cpuset.cpus", "cpuset.mems"}) {
      std::string have = TRY(read_in(mount + prefix, file));
      if (!trim(have).empty()) continue;
      std::string parent = TRY(read_in(mount + prefix.substr(0, parent_end), file));
      TRY(write_value(mount + prefix, file, std::string(trim(parent))));
    }
  }
  if (limits.cpus) TRY(write_value(mount + path, "cpuset.cpus", *limits.cpus));
  if (limits.mems) TRY(write_value(mount + path, "cpuset.mems", *limits.mems));
  return {};
}

Status set_memory_v2(const std::string& directory, const CgroupLimits& limits) {
  if (limits.memory_max_bytes) {
    TRY(write_value(directory, "memory.max", limit_text(*limits.memory_max_bytes)));
  }
  if (limits.memory_low_bytes) {
    TRY(write_value(directory, "memory.low", limit_text(*limits.memory_low_bytes)));
  }
  if (!limits.memory_and_swap_max_bytes) return {};
  int64_t total = *limits.memory_and_swap_max_bytes;
  if (total >= 0 && !limits.memory_max_bytes) {
    return fail(Errc::kInvalid, "a swap limit needs a memory limit");
  }
  int64_t swap = total < 0 ? -1 : total - std::max<int64_t>(*limits.memory_max_bytes, 0);
  auto set = write_value(directory, "memory.swap.max", limit_text(swap));
  // A kernel without swap accounting swaps nothing of ours: a limit of nothing holds by itself.
  if (!set && set.error().code == Errc::kNotFound && swap <= 0) return {};
  return set;
}

Status set_cpu_v2(const std::string& directory, const CgroupLimits& limits) {
  if (limits.cpu_shares) {
    TRY(write_value(directory, "cpu.weight", std::to_string(weight_of_shares(*limits.cpu_shares))));
  }
  if (limits.cpu_quota_us || limits.cpu_period_us) {
    constexpr uint64_t kPeriodDefaultUs = 100000;
    TRY(write_value(directory, "cpu.max",
                    fmt::format("{} {}", limit_text(limits.cpu_quota_us.value_or(-1)),
                                limits.cpu_period_us.value_or(kPeriodDefaultUs))));
  }
  if (limits.cpu_burst_us) {
    TRY(write_value(directory, "cpu.max.burst", std::to_string(*limits.cpu_burst_us)));
  }
  if (limits.cpus) TRY(write_value(directory, "cpuset.cpus", *limits.cpus));
  if (limits.mems) TRY(write_value(directory, "cpuset.mems", *limits.mems));
  return {};
}

Status apply_v2(const std::string& directory, const CgroupLimits& limits) {
  TRY(set_memory_v2(directory, limits));
  TRY(set_cpu_v2(directory, limits));
  if (limits.pids_max) TRY(write_value(directory, "pids.max", limit_text(*limits.pids_max)));
  if (!limits.devices.empty()) TRY(attach_device_filter(directory, limits.devices));
  for (const auto& [file, value] : limits.unified) TRY(write_value(directory, file, value));
  return {};
}

// Enables in `directory` for its children what the host offers there.
Status enable_controllers(const std::string& directory) {
  std::string offered = TRY(read_in(directory, "cgroup.controllers"));
  std::string enabled = TRY(read_in(directory, "cgroup.subtree_control"));
  std::vector<std::string> on = split(trim(enabled), ' ');
  std::string wanted;
  for (const std::string& name : split(kAllControllers, ' ')) {
    std::vector<std::string> names = split(trim(offered), ' ');
    bool has = std::find(names.begin(), names.end(), name) != names.end();
    if (has && std::find(on.begin(), on.end(), name) == on.end()) wanted += " +" + name;
  }
  if (wanted.empty()) return {};
  auto written = write_to(directory + "/cgroup.subtree_control", wanted.substr(1));
  if (written) return written;
  if (written.error().errno_value == EBUSY) {
    return fail(Errc::kUnsupported,
                "cgroup {} has processes of its own, so it cannot hand controllers to groups "
                "below; choose an empty group",
                directory);
  }
  return wrap(std::move(written).error(), "enable controllers{} below {}", wanted, directory);
}

std::string unescape_octal(const std::string& text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      plain += static_cast<char>(std::strtol(text.substr(i + 1, 3).c_str(), nullptr, 8));
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

}  // namespace

bool enters_always(const std::string& controller) {
  return std::find(kAlways.begin(), kAlways.end(), controller) != kAlways.end();
}

uint64_t weight_of_shares(uint64_t shares) {
  constexpr uint64_t kSharesMin = 2;
  constexpr uint64_t kSharesMax = 262144;
  shares = std::clamp(shares, kSharesMin, kSharesMax);
  if (shares == kSharesMin) return 1;
  if (shares == kSharesMax) return 10000;
  double l = std::log2(static_cast<double>(shares));
  double exponent = (l * l + 125 * l) / 612.0 - 7.0 / 34.0;
  return static_cast<uint64_t>(std::ceil(std::pow(10, exponent)));
}

Result<Cgroups> Cgroups::detect() {
  std::string mountinfo = TRY(read_file("/proc/self/mountinfo", kFileMax));
  return parse(mountinfo);
}

Result<Cgroups> Cgroups::parse(const std::string& mountinfo) {
  constexpr std::array<std::string_view, 10> kKnown{"cpu",     "cpuacct", "cpuset", "memory",
                                                    "devices", "freezer", "blkio",  "pids",
                                                    "hugetlb", "net_cls"};
  Cgroups host;
  for (const std::string& line : split(mountinfo, '\n')) {
    size_t dash = line.find(" - ");
    if (dash == std::string::npos) continue;
    std::vector<std::string> head = split(line.substr(0, dash), ' ');
    std::vector<std::string> tail = split(line.substr(dash + 3), ' ');
    if (head.size() < 5 || tail.size() < 3) continue;
    std::string mount = unescape_octal(head[4]);
    if (tail[0] == "cgroup2" && host.unified_mount_.empty()) host.unified_mount_ = mount;
    if (tail[0] != "cgroup") continue;
    for (const std::string& option : split(tail[2], ',')) {
      bool known = std::find(kKnown.begin(), kKnown.end(), option) != kKnown.end();
      bool seen = std::any_of(host.controllers_.begin(), host.controllers_.end(),
                              [&](const Controller& c) { return c.name == option; });
      if (known && !seen) host.controllers_.push_back({option, mount});
    }
  }
  if (host.unified_mount_.empty() && host.controllers_.empty()) {
    return fail(Errc::kUnsupported, "no cgroup file system is mounted");
  }
  return host;
}

CgroupDir Cgroups::at(const std::string& path) const {
  return {*this, path};
}

Result<CgroupDir> Cgroups::make(const std::string& path) const {
  if (path.empty() || path[0] != '/' || path.find("..") != std::string::npos || path == "/") {
    return fail(Errc::kInvalid, "cgroup path {}: must be absolute, not the root, without ..", path);
  }
  if (is_unified()) {
    size_t slash = 0;
    do {
      TRY(enable_controllers(unified_mount_ + path.substr(0, slash)));
      slash = path.find('/', slash + 1);
      TRY(make_directory(unified_mount_ + path.substr(0, slash), 0755));
    } while (slash != std::string::npos);
    return at(path);
  }
  std::string last;
  for (const Controller& controller : controllers_) {
    if (!enters_always(controller.name) || controller.mount == last) continue;
    last = controller.mount;
    TRY(make_chain(controller.mount, path));
  }
  return at(path);
}

std::string CgroupDir::directory(const std::string& controller) const {
  if (host_.is_unified()) return host_.unified_mount() + path_;
  for (const auto& known : host_.controllers()) {
    if (known.name == controller) return known.mount + path_;
  }
  return "";
}

std::vector<std::string> CgroupDir::directories() const {
  if (host_.is_unified()) return {host_.unified_mount() + path_};
  std::vector<std::string> all;
  for (const auto& known : host_.controllers()) {
    std::string directory = known.mount + path_;
    if (std::find(all.begin(), all.end(), directory) == all.end()) all.push_back(directory);
  }
  return all;
}

bool CgroupDir::exists() const {
  for (const std::string& directory : directories()) {
    if (sys::exists(directory)) return true;
  }
  return false;
}

Result<Fd> CgroupDir::clone_fd() const {
  if (!host_.is_unified()) return Fd();
  return open(host_.unified_mount() + path_, O_PATH | O_DIRECTORY);
}

Result<std::vector<Fd>> CgroupDir::task_files() const {
  std::vector<Fd> files;
  if (host_.is_unified()) return files;
  for (const std::string& directory : directories()) {
    auto file = open(directory + "/tasks", O_WRONLY);
    // A v1 controller that no limit asked for has no directory.
    if (!file && file.error().code == Errc::kNotFound) continue;
    files.push_back(TRY(std::move(file)));
  }
  return files;
}

Status CgroupDir::attach(pid_t pid) const {
  for (const std::string& directory : directories()) {
    auto written = write_to(directory + "/cgroup.procs", std::to_string(pid));
    // A v1 controller that no limit asked for has no directory.
    if (!written && written.error().code == Errc::kNotFound && !host_.is_unified()) continue;
    TRY(std::move(written));
  }
  return {};
}

Result<Fd> CgroupDir::task_file(const std::string& controller) const {
  std::string there = directory(controller);
  if (there.empty()) {
    return fail(Errc::kNotFound, "cgroup controller {} is not on this host", controller);
  }
  return open(there + "/tasks", O_WRONLY);
}

Status CgroupDir::apply(const CgroupLimits& limits) const {
  if (host_.is_unified()) return apply_v2(directory(""), limits);
  if (!limits.unified.empty()) {
    return fail(Errc::kUnsupported, "cgroup v2 values were given, but this host uses v1");
  }
  struct Part {
    const char* controller;
    bool wanted;
    Status (*set)(const std::string&, const CgroupLimits&);
  };
  const Part parts[] = {
      {"memory",
       limits.memory_max_bytes || limits.memory_low_bytes || limits.memory_and_swap_max_bytes ||
           limits.swappiness,
       set_memory_v1},
      {"cpu",
       limits.cpu_shares || limits.cpu_quota_us || limits.cpu_period_us || limits.cpu_burst_us,
       set_cpu_v1},
      {"devices", !limits.devices.empty(), set_devices_v1},
  };
  auto needed = [&](const std::string& controller) -> Result<std::string> {
    std::string found = directory(controller);
    if (found.empty()) return fail(Errc::kUnsupported, "this host has no {} cgroup", controller);
    return found;
  };
  for (const Part& part : parts) {
    if (!part.wanted) continue;
    std::string group = TRY(needed(part.controller));
    TRY(part.set(group, limits));
  }
  if (limits.pids_max) {
    std::string group = TRY(needed("pids"));
    TRY(write_value(group, "pids.max", limit_text(*limits.pids_max)));
  }
  if (!limits.cpus && !limits.mems) return {};
  std::string cpuset = TRY(needed("cpuset"));
  std::string mount = cpuset.substr(0, cpuset.size() - path_.size());
  TRY(make_chain(mount, path_));
  return set_cpuset_v1(mount, path_, limits);
}

Result<uint64_t> CgroupDir::oom_kills() const {
  std::string group = directory("memory");
  if (group.empty()) return 0;
  const char* file = host_.is_unified() ? "memory.events" : "memory.oom_control";
  return value_of(TRY(read_in(group, file)), "oom_kill");
}

Result<CgroupStats> CgroupDir::stats() const {
  CgroupStats stats;
  stats.oom_kills = TRY(oom_kills());
  stats.pids = number_in(directory("pids"), "pids.current");
  std::string cpu_stat = TRY(read_in(directory("cpu"), "cpu.stat"));
  stats.throttled_periods = value_of(cpu_stat, "nr_throttled");
  if (host_.is_unified()) {
    stats.memory_bytes = number_in(directory("memory"), "memory.current");
    stats.cpu_usage_ns = value_of(cpu_stat, "usage_usec") * 1000;
  } else {
    stats.memory_bytes = number_in(directory("memory"), "memory.usage_in_bytes");
    stats.cpu_usage_ns = number_in(directory("cpuacct"), "cpuacct.usage");
  }
  return stats;
}

Result<std::vector<pid_t>> CgroupDir::processes() const {
  return processes_in(directory("pids"));
}

Status CgroupDir::freeze() const {
  if (host_.is_unified()) return write_to(directory("") + "/cgroup.freeze", "1");
  return write_to(directory("freezer") + "/freezer.state", "FROZEN");
}

Status CgroupDir::thaw() const {
  if (host_.is_unified()) return write_to(directory("") + "/cgroup.freeze", "0");
  return write_to(directory("freezer") + "/freezer.state", "THAWED");
}

Status CgroupDir::kill_all() const {
  if (host_.is_unified()) {
    auto killed = write_to(directory("") + "/cgroup.kill", "1");
    if (!killed && killed.error().code != Errc::kNotFound) return killed;
  }
  // v1 has no atomic kill: repeat until a look finds nobody. A fork bomb cannot outrun this for
  // ever, because every round kills all that were seen and pids.max bounds the rest; a frozen
  // process dies only when thawed.
  std::string group = directory("pids");
  for (int round = 0; round < kKillRounds; ++round) {
    if (TRY(processes()).empty()) return {};
    std::vector<Fd> members = open_members(group);
    for (const Fd& member : members) {
      // ESRCH: it went by itself.
      (void)::syscall(SYS_pidfd_send_signal, member.get(), SIGKILL, nullptr, 0);
    }
    if (!host_.is_unified() && round == 0) (void)thaw();
    for (const Fd& member : members) await(member.get(), POLLIN, kGoneWaitMs);
  }
  return fail(Errc::kExhausted, "cgroup {}: processes remain after {} rounds of SIGKILL", path_,
              kKillRounds);
}

Status CgroupDir::remove_if_empty() const {
  for (const std::string& directory : directories()) {
    auto removed = run("rmdir", directory, [&] { return ::rmdir(directory.c_str()); });
    if (removed) continue;
    int error = removed.error().errno_value;
    if (error != EBUSY && error != ENOTEMPTY && error != ENOENT) return removed;
  }
  return {};
}

// In every hierarchy, whatever happens in one of them; the first failure is told.
Status CgroupDir::remove() const {
  Status first;
  for (const std::string& directory : directories()) {
    // The usual case first: no groups below, nobody in it.
    auto removed_at_once = run("rmdir", directory, [&] { return ::rmdir(directory.c_str()); });
    if (removed_at_once || removed_at_once.error().errno_value == ENOENT) continue;
    auto tree = tree_of(directory);
    if (!tree && first) first = tl::unexpected<Error>(std::move(tree).error());
    for (const std::string& group : tree.value_or(std::vector<std::string>())) {
      auto removed = remove_one(group);
      if (!removed && first) first = std::move(removed);
    }
  }
  return first;
}

}  // namespace berth::sys
