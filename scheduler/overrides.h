// RunTask's overrides: what one run changes of its task definition.
#pragma once

#include "base/json.h"
#include "base/result.h"
#include "scheduler/finding.h"
#include "scheduler/task_definition.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace berth::scheduler {

constexpr size_t kOverridesMax = 8192;  // characters of the JSON, as RunTask has it

struct ContainerOverride {
  std::string name{};
  std::vector<std::string> command{};  // empty: not overridden
  std::vector<KeyValue> environment{};
  std::vector<EnvironmentFile> environment_files{};  // empty: not overridden
  std::optional<uint32_t> cpu{};
  std::optional<uint32_t> memory_mib{};
  std::optional<uint32_t> memory_reservation_mib{};
};

struct Overrides {
  std::vector<ContainerOverride> containers{};
  std::optional<uint32_t> cpu{};
  std::optional<uint32_t> memory_mib{};
  std::optional<uint32_t> ephemeral_storage_gib{};
  std::string task_role_arn{};
  std::string execution_role_arn{};
};

// One `--env NAME=VALUE` (all containers) or `--env CONTAINER:NAME=VALUE`.
struct EnvironmentOption {
  std::string container{};  // "" for all
  KeyValue variable{};
};

struct ParsedOverrides {
  Overrides overrides;  // to be used only when there are no findings
  Findings findings;
};

ParsedOverrides parse_overrides(const json::Node& root);

// Text to overrides. Errors: kInvalid with all findings, or for more than kOverridesMax characters.
Result<Overrides> read_overrides(std::string_view text, const std::string& name);

// Errors: kInvalid for no '=' or an empty name. A ':' before the '=' ends the container's name.
Result<EnvironmentOption> parse_environment_option(std::string_view text);

// The definition with what the overrides replace; no rules are looked at. Errors: kInvalid for a
// container that the definition does not have.
Result<TaskDefinition> merge_overrides(TaskDefinition definition, const Overrides& overrides);

// The definition that runs. Environment, low to high: the definition's, `options` in their order,
// the overrides'. Errors: kInvalid for a container that the definition does not have, and with all
// findings of check_task_definition on the result.
Result<TaskDefinition> apply_overrides(TaskDefinition definition, const Overrides& overrides,
                                       const std::vector<EnvironmentOption>& options,
                                       CpuArchitecture host);

}  // namespace berth::scheduler
