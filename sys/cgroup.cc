#include "sys/cgroup.h"

#include "base/text.h"
#include "sys/call.h"
#include "sys/device_filter.h"
#include "sys/file.h"
#include "sys/spawn.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
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
constexpr int kFreezeRounds = 1000;  // times kFreezePauseMs: 2 s
constexpr int kFreezePauseMs = 2;
constexpr const char* kAllControllers = "cpu cpuset memory pids hugetlb io rdma misc";

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
  constexpr nlink_t kNothingBelow = 2;  // kernfs counts the directories in a directory
  std::vector<std::string> tree;
  auto itself = stat(directory);
  if (itself && itself->st_nlink == kNothingBelow) return std::vector<std::string>{directory};
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

std::string device_text(const DeviceRule& rule) {
  auto number = [](const std::optional<int64_t>& value) {
    return value ? std::to_string(*value) : std::string("*");
  };
  return fmt::format("{} {}:{} {}", rule.type, number(rule.major), number(rule.minor), rule.access);
}

// A rule a write; the files stay open from one to the next.
Status set_devices_v1(const std::string& directory, const std::vector<DeviceRule>& rules) {
  std::array<Fd, 2> files;
  for (const DeviceRule& rule : rules) {
    const char* name = rule.allow ? "devices.allow" : "devices.deny";
    Fd& file = files[rule.allow ? 0 : 1];
    if (!file) file = TRY(open(directory + "/" + name, O_WRONLY));
    bool everything = rule.type == 'a' && !rule.major && !rule.minor;
    std::string value = everything ? "a" : device_text(rule);
    auto written = write_all(file.get(), value);
    if (!written) return wrap(std::move(written).error(), "set {} to {}", name, value);
  }
  return {};
}

// A fresh v1 cpuset is empty and takes no process: what is not asked for is the parent's.
Status fill_cpuset_v1(const std::string& mount, const std::string& path) {
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
  return {};
}

Status explain(Error error, const CgroupSetting& setting) {
  if (error.code == Errc::kNotFound) {
    return fail(Errc::kUnsupported, "{}: this kernel has no {} (or the controller is not enabled)",
                setting.field, setting.file);
  }
  return wrap(std::move(error), "{}: set {} to {}", setting.field, setting.file,
              printable(setting.value, 64));
}

// On v2 one file holds two limits, or a limit stands relative to another: what an update leaves out
// is what is there.
Status complete_v2(const std::string& directory, CgroupLimits& limits) {
  if (limits.cpu_period_us && !limits.cpu_quota_us) {
    std::string now = TRY(read_in(directory, "cpu.max"));
    auto quota = parse_u64(split(now, ' ')[0]);
    limits.cpu_quota_us = quota ? static_cast<int64_t>(*quota) : -1;
  }
  bool needs_memory = limits.memory_and_swap_max_bytes.value_or(-1) >= 0;
  if (needs_memory && !limits.memory_max_bytes) {
    std::string now = TRY(read_in(directory, "memory.max"));
    if (auto bytes = parse_u64(trim(now))) limits.memory_max_bytes = static_cast<int64_t>(*bytes);
  }
  if (limits.checks_memory_before_update && limits.memory_max_bytes.value_or(-1) >= 0) {
    uint64_t used = number_in(directory, "memory.current");
    if (static_cast<uint64_t>(*limits.memory_max_bytes) < used) {
      return fail(Errc::kInvalid, "memory.limit: is below the memory in use, {} bytes", used);
    }
  }
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

bool is_known(const std::string& controller) {
  constexpr std::array<std::string_view, 12> kKnown{"cpu",     "cpuacct", "cpuset",   "memory",
                                                    "devices", "freezer", "blkio",    "pids",
                                                    "hugetlb", "net_cls", "net_prio", "rdma"};
  return std::find(kKnown.begin(), kKnown.end(), controller) != kKnown.end();
}

bool is_mounted(const std::string& path, long magic) {
  struct statfs there {};
  return ::statfs(path.c_str(), &there) == 0 && there.f_type == magic;
}

}  // namespace

bool enters_always(const std::string& controller) {
  return std::find(kAlways.begin(), kAlways.end(), controller) != kAlways.end();
}

// A host may have a thousand mounts, and the kernel renders each of them for mountinfo: where the
// hierarchies are as a rule is looked at first.
Result<Cgroups> Cgroups::detect() {
  constexpr const char* kRoot = "/sys/fs/cgroup";
  if (is_mounted(kRoot, CGROUP2_SUPER_MAGIC)) {
    Cgroups host;
    host.unified_mount_ = kRoot;
    return host;
  }
  auto usual = in_usual_places(TRY(read_file("/proc/self/cgroup", kFileMax)), kRoot);
  if (usual) return *usual;
  return parse(TRY(read_file("/proc/self/mountinfo", kFileMax)));
}

// hierarchy-ID:controller-list:cgroup-path (cgroups(7)); the ID of v2 is 0, its list empty.
std::optional<Cgroups> Cgroups::in_usual_places(const std::string& own_groups,
                                                const std::string& root) {
  Cgroups host;
  if (is_mounted(root + "/unified", CGROUP2_SUPER_MAGIC)) host.unified_mount_ = root + "/unified";
  for (const std::string& line : split(own_groups, '\n')) {
    std::vector<std::string> fields = split(line, ':');
    if (fields.size() < 3 || fields[1].empty()) continue;
    std::string mount = root + "/" + fields[1];
    for (const std::string& name : split(fields[1], ',')) {
      if (!is_known(name)) continue;
      // All are looked at: one that is not there may be somewhere else.
      if (!is_mounted(mount, CGROUP_SUPER_MAGIC)) return std::nullopt;
      host.controllers_.push_back({name, mount});
    }
  }
  if (host.controllers_.empty()) return std::nullopt;
  return host;
}

Result<Cgroups> Cgroups::parse(const std::string& mountinfo) {
  Cgroups host;
  for (const std::string& line : split(mountinfo, '\n')) {
    size_t dash = line.find(" - cgroup");
    if (dash == std::string::npos) continue;
    std::vector<std::string> head = split(line.substr(0, dash), ' ');
    std::vector<std::string> tail = split(line.substr(dash + 3), ' ');
    if (head.size() < 5 || tail.size() < 3) continue;
    std::string mount = unescape_octal(head[4]);
    if (tail[0] == "cgroup2" && host.unified_mount_.empty()) host.unified_mount_ = mount;
    if (tail[0] != "cgroup") continue;
    for (const std::string& option : split(tail[2], ',')) {
      bool seen = std::any_of(host.controllers_.begin(), host.controllers_.end(),
                              [&](const Controller& c) { return c.name == option; });
      if (is_known(option) && !seen) host.controllers_.push_back({option, mount});
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

// A controller that is entered only when a limit asks for it gets its directory now.
Status CgroupDir::enter(const std::string& controller) const {
  std::string group = directory(controller);
  if (host_.is_unified() || group.empty() || enters_always(controller)) return {};
  std::string mount = group.substr(0, group.size() - path_.size());
  TRY(make_chain(mount, path_));
  if (controller == "cpuset") TRY(fill_cpuset_v1(mount, path_));
  return {};
}

// The kernel refuses (EINVAL, EBUSY) what does not fit what is set: a quota below its burst, memory
// above memory and swap. Which order is right depends on what was there, so what is refused is
// tried again after the rest.
Status CgroupDir::write_settings(const std::vector<CgroupSetting>& settings) const {
  std::vector<CgroupSetting> refused;
  for (size_t i = 0; i < settings.size(); ++i) {
    const CgroupSetting& setting = settings[i];
    std::string group = directory(setting.controller);
    if (group.empty()) {
      return fail(Errc::kUnsupported, "{}: this host has no {} cgroup", setting.field,
                  setting.controller);
    }
    auto written = write_to(group + "/" + setting.file, setting.value);
    bool missing = !written && written.error().code == Errc::kNotFound;
    if (setting.need == Need::kElseNext && !missing) ++i;
    if (written || (missing && setting.need != Need::kMust)) continue;
    int error = written.error().errno_value;
    if (error != EINVAL && error != EBUSY) return explain(std::move(written).error(), setting);
    refused.push_back(setting);
  }
  for (const CgroupSetting& setting : refused) {
    auto written = write_to(directory(setting.controller) + "/" + setting.file, setting.value);
    if (!written) return explain(std::move(written).error(), setting);
  }
  return {};
}

Status CgroupDir::set(const CgroupLimits& limits) const {
  std::vector<CgroupSetting> settings =
      TRY(host_.is_unified() ? settings_v2(limits) : settings_v1(limits));
  std::string last;
  for (const CgroupSetting& setting : settings) {
    if (setting.controller == last) continue;
    last = setting.controller;
    TRY(enter(last));
  }
  return write_settings(settings);
}

Status CgroupDir::set_devices(const std::vector<DeviceRule>& rules, DeviceFilters before) const {
  if (rules.empty()) return {};
  std::string group = directory("devices");
  if (group.empty()) return fail(Errc::kUnsupported, "devices: this host has no devices cgroup");
  Status done = !host_.is_unified()              ? set_devices_v1(group, rules)
                : before == DeviceFilters::kNone ? attach_device_filter(group, rules)
                                                 : replace_device_filter(group, rules);
  if (done) return done;
  return wrap(std::move(done).error(), "devices");
}

Status CgroupDir::apply(const CgroupLimits& limits) const {
  TRY(set(limits));
  return set_devices(limits.devices, DeviceFilters::kNone);
}

Status CgroupDir::update(const CgroupLimits& limits) const {
  CgroupLimits whole = limits;
  if (host_.is_unified()) TRY(complete_v2(directory(""), whole));
  TRY(set(whole));
  return set_devices(limits.devices, DeviceFilters::kReplace);
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

Result<bool> CgroupDir::is_frozen() const {
  if (host_.is_unified()) {
    std::string events = TRY(read_in(directory(""), "cgroup.events"));
    return value_of(events, "frozen") == 1;
  }
  std::string state = TRY(read_in(directory("freezer"), "freezer.state"));
  return trim(state) == "FROZEN";
}

// v2 tells by cgroup.events; v1 may stay FREEZING while a process sleeps in the kernel, and looks
// again only when it is asked again.
Status CgroupDir::freeze() const {
  std::string file = host_.is_unified() ? directory("") + "/cgroup.freeze"
                                        : directory("freezer") + "/freezer.state";
  for (int round = 0; round < kFreezeRounds; ++round) {
    TRY(write_to(file, host_.is_unified() ? "1" : "FROZEN"));
    if (TRY(is_frozen())) return {};
    timespec pause{.tv_sec = 0, .tv_nsec = kFreezePauseMs * 1000000L};
    ::nanosleep(&pause, nullptr);
  }
  (void)thaw();  // the error is that it could not be frozen
  return fail(Errc::kExhausted, "cgroup {}: not frozen after {} ms", path_,
              kFreezeRounds * kFreezePauseMs);
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

Result<bool> CgroupDir::remove_at_once() const {
  bool all_gone = true;
  for (const std::string& directory : directories()) {
    auto removed = run("rmdir", directory, [&] { return ::rmdir(directory.c_str()); });
    if (removed || removed.error().errno_value == ENOENT) continue;
    int error = removed.error().errno_value;
    if (error != EBUSY && error != ENOTEMPTY) return tl::unexpected<Error>(removed.error());
    all_gone = false;
  }
  return all_gone;
}

Status CgroupDir::remove_if_empty() const {
  TRY(remove_at_once());
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
    if (!tree) {
      if (first) first = tl::unexpected<Error>(std::move(tree).error());
      continue;
    }
    for (const std::string& group : *tree) {
      auto removed = remove_one(group);
      if (!removed && first) first = std::move(removed);
    }
  }
  return first;
}

}  // namespace berth::sys
