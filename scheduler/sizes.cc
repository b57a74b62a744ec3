#include "scheduler/sizes.h"

#include "base/text.h"

#include <charconv>
#include <string>

namespace berth::scheduler {
namespace {

constexpr uint32_t kCpuMin = 128;
constexpr uint32_t kCpuMax = 196608;
constexpr uint32_t kMemoryMax = 16 * 1024 * 1024;  // MiB

struct FargateRow {
  uint32_t cpu;
  uint32_t memory_min;
  uint32_t memory_max;
  uint32_t step;
};

constexpr FargateRow kFargate[] = {
    {512, 1024, 4096, 1024},   {1024, 2048, 8192, 1024},   {2048, 4096, 16384, 1024},
    {4096, 8192, 30720, 1024}, {8192, 16384, 61440, 4096}, {16384, 32768, 122880, 8192},
};

// A decimal number without sign and exponent, times `factor`, when that is whole.
std::optional<uint32_t> scaled(std::string_view text, uint32_t factor, uint32_t max) {
  if (text.empty() || text.find_first_not_of("0123456789.") != std::string_view::npos) {
    return std::nullopt;
  }
  double value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  double units = value * factor;
  if (units > max || units != static_cast<double>(static_cast<uint32_t>(units))) {
    return std::nullopt;
  }
  return static_cast<uint32_t>(units);
}

// `text` without `unit` (any case) at its end; nothing when it does not end so.
std::optional<std::string> without_unit(std::string_view text, std::string_view unit) {
  std::string lower = to_lower(trim(text));
  if (!lower.ends_with(unit)) return std::nullopt;
  return std::string(trim(std::string_view(lower).substr(0, lower.size() - unit.size())));
}

std::optional<uint32_t> whole(std::string_view text, uint32_t max) {
  auto number = parse_u64(trim(text));
  if (!number || *number > max) return std::nullopt;
  return static_cast<uint32_t>(*number);
}

}  // namespace

std::optional<uint32_t> parse_task_cpu(std::string_view text) {
  auto number = without_unit(text, "vcpu");
  auto units = number ? scaled(*number, 1024, kCpuMax) : whole(text, kCpuMax);
  if (!units || *units < kCpuMin) return std::nullopt;
  return units;
}

std::optional<uint32_t> parse_task_memory(std::string_view text) {
  auto number = without_unit(text, "gb");
  auto mib = number ? scaled(*number, 1024, kMemoryMax) : whole(text, kMemoryMax);
  if (!mib || *mib == 0) return std::nullopt;
  return mib;
}

std::optional<uint64_t> parse_docker_size(std::string_view text, uint32_t unit) {
  constexpr double kBytesMax = 9007199254740992.0;  // 2^53: whole numbers of a double
  std::string lower = to_lower(text);
  size_t end = lower.find_first_not_of("0123456789.");
  std::string_view number = std::string_view(lower).substr(0, end);
  std::string_view suffix = end == std::string::npos ? "" : std::string_view(lower).substr(end);
  if (suffix.starts_with(' ')) suffix.remove_prefix(1);
  double factor = 1;
  if (size_t power =
          suffix.empty() ? std::string_view::npos : std::string_view("kmgtp").find(suffix[0]);
      power != std::string_view::npos) {
    for (size_t i = 0; i <= power; ++i) factor *= unit;
    suffix.remove_prefix(1);
  }
  if (suffix != "" && suffix != "b" && suffix != "i" && suffix != "ib") return std::nullopt;
  double value = 0;
  auto [rest, error] = std::from_chars(number.data(), number.data() + number.size(), value);
  bool is_number = !number.empty() && error == std::errc() && rest == number.data() + number.size();
  if (!is_number || value * factor > kBytesMax) return std::nullopt;
  return static_cast<uint64_t>(value * factor);
}

bool is_fargate_size(uint32_t cpu, uint32_t memory_mib) {
  if (cpu == 256) return memory_mib == 512 || memory_mib == 1024 || memory_mib == 2048;
  for (const FargateRow& row : kFargate) {
    if (row.cpu != cpu) continue;
    return memory_mib >= row.memory_min && memory_mib <= row.memory_max &&
           (memory_mib - row.memory_min) % row.step == 0;
  }
  return false;
}

}  // namespace berth::scheduler
