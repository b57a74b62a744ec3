// Commands on the control group of a running container.
#include "base/json.h"
#include "base/text.h"
#include "oci/commands.h"
#include "runtime/container.h"
#include "runtime/control.h"
#include "runtime/resources.h"
#include "sys/file.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <limits>

namespace berth::oci {
namespace {

constexpr size_t kResourcesMax = 1024 * 1024;
constexpr uint64_t kIntervalMaxMs = 24 * 60 * 60 * 1000;
constexpr uint64_t kIntervalDefaultMs = 5000;

// "512m", "1GiB", "4096", "-1": powers of 1024, as docker and runc read sizes.
Result<int64_t> parse_size(const std::string& name, const std::string& text) {
  if (text == "-1") return -1;
  size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  auto number = parse_u64(text.substr(0, digits));
  std::string unit = to_lower(text.substr(digits));
  if (unit.ends_with("b")) unit.pop_back();
  if (unit.ends_with("i")) unit.pop_back();
  constexpr std::string_view kUnits = "kmgtp";
  size_t power = unit.empty() ? 0 : kUnits.find(unit) + 1;
  bool known = unit.empty() || (unit.size() == 1 && power != 0);
  constexpr uint64_t kMax = std::numeric_limits<int64_t>::max();
  if (!number || !known || *number > (kMax >> (10 * power))) {
    return fail(Errc::kInvalid, "--{}: must be a size like 512m or -1, not {}", name,
                printable(text, 32));
  }
  return static_cast<int64_t>(*number << (10 * power));
}

// The flags of `update` as the object that a file would hold, so that one parser checks both.
Result<std::string> resources_of(const Given& options) {
  struct Flag {
    const char* name;
    const char* object;
    const char* field;
    enum { kSize, kNumber, kText } kind;
  };
  constexpr Flag kFlags[] = {
      {"memory", "memory", "limit", Flag::kSize},
      {"memory-reservation", "memory", "reservation", Flag::kSize},
      {"memory-swap", "memory", "swap", Flag::kSize},
      {"kernel-memory", "memory", "kernel", Flag::kSize},
      {"kernel-memory-tcp", "memory", "kernelTCP", Flag::kSize},
      {"cpu-period", "cpu", "period", Flag::kNumber},
      {"cpu-quota", "cpu", "quota", Flag::kNumber},
      {"cpu-burst", "cpu", "burst", Flag::kNumber},
      {"cpu-share", "cpu", "shares", Flag::kNumber},
      {"cpu-rt-period", "cpu", "realtimePeriod", Flag::kNumber},
      {"cpu-rt-runtime", "cpu", "realtimeRuntime", Flag::kNumber},
      {"cpu-idle", "cpu", "idle", Flag::kNumber},
      {"cpuset-cpus", "cpu", "cpus", Flag::kText},
      {"cpuset-mems", "cpu", "mems", Flag::kText},
      {"blkio-weight", "blockIO", "weight", Flag::kNumber},
      {"pids-limit", "pids", "limit", Flag::kNumber},
  };
  std::vector<std::pair<std::string, std::vector<std::string>>> objects{
      {"memory", {}}, {"cpu", {}}, {"blockIO", {}}, {"pids", {}}};
  for (const Flag& flag : kFlags) {
    std::string text = options.text(flag.name, "");
    if (text.empty()) continue;
    std::string value = fmt::format("\"{}\"", text);
    if (flag.kind == Flag::kSize) value = std::to_string(TRY(parse_size(flag.name, text)));
    if (flag.kind == Flag::kNumber) {
      auto number = parse_i64(text);
      if (!number) return fail(Errc::kInvalid, "--{}: must be a number", flag.name);
      value = std::to_string(*number);
    }
    if (flag.kind == Flag::kText && text.find_first_not_of("0123456789,-") != std::string::npos) {
      return fail(Errc::kInvalid, "--{}: must be a list like 0-3,7", flag.name);
    }
    for (auto& [object, members] : objects) {
      if (object == flag.object) members.push_back(fmt::format("\"{}\":{}", flag.field, value));
    }
  }
  std::vector<std::string> parts;
  parts.reserve(objects.size());
  for (const auto& [object, members] : objects) {
    parts.push_back(fmt::format("\"{}\":{{{}}}", object, join(members, ",")));
  }
  // Without a process no limit may be: -1 of pids is the kernel's "max".
  std::erase(parts, "\"pids\":{}");
  return fmt::format("{{{}}}", join(parts, ","));
}

// "5s", "500ms", "1m": Go's durations, of one unit.
Result<std::chrono::milliseconds> interval_of(const Given& options) {
  std::string text = options.text("interval", "");
  if (text.empty()) return std::chrono::milliseconds(kIntervalDefaultMs);
  size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  auto number = parse_u64(text.substr(0, digits));
  std::string unit = text.substr(digits);
  uint64_t scale = unit == "ms" ? 1 : unit == "s" ? 1000 : unit == "m" ? 60000 : 0;
  if (!number || *number == 0 || scale == 0 || *number > kIntervalMaxMs / scale) {
    return fail(Errc::kInvalid, "--interval: must be like 500ms, 5s or 1m, more than 0");
  }
  return std::chrono::milliseconds(*number * scale);
}

}  // namespace

Result<int> pause(const Invocation& invocation) {
  TRY(runtime::pause(invocation.root(), invocation.names[0]));
  return 0;
}

Result<int> resume(const Invocation& invocation) {
  TRY(runtime::resume(invocation.root(), invocation.names[0]));
  return 0;
}

Result<int> update(const Invocation& invocation) {
  for (const char* flag : {"l3-cache-schema", "mem-bw-schema"}) {
    if (!invocation.options.text(flag, "").empty()) {
      return fail(Errc::kUnsupported, "--{}: this host has no resctrl file system", flag);
    }
  }
  std::string file = invocation.options.text("resources", "");
  std::string text = TRY(file.empty()  ? resources_of(invocation.options)
                         : file == "-" ? sys::read_all(STDIN_FILENO, kResourcesMax)
                                       : sys::read_file(file, kResourcesMax));
  auto document = TRY(json::Document::parse(text, {.name = file.empty() ? "options" : file}));
  sys::CgroupLimits limits = TRY(runtime::parse_resources(document.root()));
  TRY(runtime::update(invocation.root(), invocation.names[0], limits));
  return 0;
}

Result<int> events(const Invocation& invocation) {
  auto interval = TRY(interval_of(invocation.options));
  runtime::State state = TRY(runtime::state(invocation.root(), invocation.names[0]));
  if (state.status == runtime::ContainerStatus::kStopped || state.pid == 0) {
    return fail(Errc::kInvalid, "container with id {} is not running", state.id);
  }
  auto tell = [](const std::string& line) {
    std::printf("%s\n", line.c_str());
    std::fflush(stdout);
  };
  if (invocation.options.flag("stats")) {
    tell(TRY(runtime::render_stats(state)));
    return 0;
  }
  TRY(runtime::follow_events(state, interval, tell));
  return 0;
}

}  // namespace berth::oci
