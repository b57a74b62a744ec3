#include "runtime/memory_policy.h"

#include "base/text.h"
#include "runtime/parse.h"
#include "runtime/scheduling.h"

#include <array>
#include <span>
#include <string_view>
#include <utility>

namespace berth::runtime {
namespace {

using Constant = std::pair<std::string_view, int>;

// linux/mempolicy.h; the last two are newer than Debian 12's.
constexpr std::array<Constant, 7> kModes{{
    {"MPOL_DEFAULT", 0},
    {"MPOL_PREFERRED", 1},
    {"MPOL_BIND", 2},
    {"MPOL_INTERLEAVE", 3},
    {"MPOL_LOCAL", 4},
    {"MPOL_PREFERRED_MANY", 5},
    {"MPOL_WEIGHTED_INTERLEAVE", 6},
}};
constexpr std::array<Constant, 3> kPolicyFlags{{
    {"MPOL_F_NUMA_BALANCING", 1 << 13},
    {"MPOL_F_RELATIVE_NODES", 1 << 14},
    {"MPOL_F_STATIC_NODES", 1 << 15},
}};

Result<int> choose(std::span<const Constant> constants, const json::Node& node) {
  std::string name = TRY(node.as_string());
  for (const auto& [known, value] : constants) {
    if (known == name) return value;
  }
  return parse::invalid(node, fmt::format("{} is not known", printable(name, 64)));
}

std::vector<std::string_view> names_of(std::span<const Constant> constants) {
  std::vector<std::string_view> names;
  for (const auto& [name, value] : constants) names.push_back(name);
  return names;
}

}  // namespace

std::vector<std::string_view> memory_policy_modes() {
  return names_of(kModes);
}

std::vector<std::string_view> memory_policy_flags() {
  return names_of(kPolicyFlags);
}

Result<MemoryPolicy> parse_memory_policy(const json::Node& node) {
  MemoryPolicy policy{};
  CPU_ZERO(&policy.nodes);
  json::Node mode = TRY(node.at("mode"));
  policy.mode = TRY(choose(kModes, mode));
  for (const json::Node& flag : TRY(node.find_array("flags"))) {
    policy.mode |= TRY(choose(kPolicyFlags, flag));
  }
  if (auto nodes = TRY(find_cpus(node, "nodes"))) policy.nodes = *nodes;
  return policy;
}

}  // namespace berth::runtime
