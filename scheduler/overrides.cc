#include "scheduler/overrides.h"

#include "base/text.h"
#include "scheduler/environment_files.h"
#include "scheduler/key_values.h"
#include "scheduler/placement_needs.h"
#include "scheduler/reader.h"
#include "scheduler/sizes.h"
#include "scheduler/task_definition_parse.h"
#include "scheduler/volume_parse.h"

#include <algorithm>
#include <limits>

namespace berth::scheduler {
namespace {

std::optional<uint32_t> read_size(Reader& reader, const json::Node& node, std::string_view key) {
  auto number = reader.integer(node, key, kSize);
  if (!number) return std::nullopt;
  return static_cast<uint32_t>(*number);
}

std::vector<EnvironmentFile> read_environment_files(Reader& reader, const json::Node& node) {
  std::vector<EnvironmentFile> files;
  for (const json::Node& file : reader.array(node, "environmentFiles")) {
    if (!reader.check_members(file, "EnvironmentFile")) continue;
    files.push_back(read_environment_file(reader, file));
  }
  return files;
}

ContainerOverride read_container_override(Reader& reader, const json::Node& node) {
  return {.name = reader.required_string(node, "name"),
          .command = reader.strings(node, "command"),
          .environment = read_variables(reader, node, "environment"),
          .environment_files = read_environment_files(reader, node),
          .cpu = read_size(reader, node, "cpu"),
          .memory_mib = read_size(reader, node, "memory"),
          .memory_reservation_mib = read_size(reader, node, "memoryReservation")};
}

ContainerDefinition* find(TaskDefinition& definition, const std::string& name) {
  auto& containers = definition.container_definitions;
  auto found = std::find_if(containers.begin(), containers.end(),
                            [&](const ContainerDefinition& each) { return each.name == name; });
  return found == containers.end() ? nullptr : &*found;
}

tl::unexpected<Error> fail_unknown(const std::string& name) {
  return fail(Errc::kInvalid,
              "Override for container named {} is not a container in the TaskDefinition.",
              printable(name, 60));
}

Status apply_option(TaskDefinition& definition, const EnvironmentOption& option) {
  if (option.container.empty()) {
    for (auto& each : definition.container_definitions) {
      set_variable(each.environment, option.variable);
    }
    return {};
  }
  ContainerDefinition* container = find(definition, option.container);
  if (container == nullptr) return fail_unknown(option.container);
  set_variable(container->environment, option.variable);
  return {};
}

Status apply_container(TaskDefinition& definition, const ContainerOverride& override) {
  ContainerDefinition* container = find(definition, override.name);
  if (container == nullptr) return fail_unknown(override.name);
  if (!override.command.empty()) container->command = override.command;
  for (const KeyValue& variable : override.environment) {
    set_variable(container->environment, variable);
  }
  if (!override.environment_files.empty()) {
    container->environment_files = override.environment_files;
  }
  if (override.cpu) container->cpu = *override.cpu;
  if (override.memory_mib) container->memory_mib = override.memory_mib;
  if (override.memory_reservation_mib) {
    container->memory_reservation_mib = override.memory_reservation_mib;
  }
  return {};
}

}  // namespace

ParsedOverrides parse_overrides(const json::Node& root) {
  Reader reader;
  ParsedOverrides parsed;
  Overrides& overrides = parsed.overrides;
  if (reader.check_members(root, "TaskOverride")) {
    std::string cpu = reader.string(root, "cpu");
    if (!cpu.empty() && !(overrides.cpu = parse_task_cpu(cpu))) {
      reader.malformed_at(root, "cpu", "Invalid 'cpu' setting for task.");
    }
    std::string memory = reader.string(root, "memory");
    if (!memory.empty() && !(overrides.memory_mib = parse_task_memory(memory))) {
      reader.malformed_at(root, "memory", "Invalid 'memory' setting for task.");
    }
    overrides.ephemeral_storage_gib = read_ephemeral_storage(reader, root);
    overrides.task_role_arn = reader.string(root, "taskRoleArn");
    overrides.execution_role_arn = reader.string(root, "executionRoleArn");
    for (const json::Node& node : reader.array(root, "containerOverrides")) {
      if (!reader.check_members(node, "ContainerOverride")) continue;
      overrides.containers.push_back(read_container_override(reader, node));
      check_resource_requirements(reader, node);
    }
  }
  parsed.findings = reader.take();
  for (Finding& finding : parsed.findings) finding.exception = "InvalidParameterException";
  return parsed;
}

Result<Overrides> read_overrides(std::string_view text, const std::string& name) {
  if (text.size() > kOverridesMax) {
    return fail(Errc::kInvalid, "{}: {} characters of overrides, at most {} are allowed", name,
                text.size(), kOverridesMax);
  }
  auto document = TRY(json::Document::parse(text, {.name = name}));
  ParsedOverrides parsed = parse_overrides(document.root());
  if (!parsed.findings.empty()) return fail_with(name, parsed.findings);
  return std::move(parsed.overrides);
}

Result<EnvironmentOption> parse_environment_option(std::string_view text) {
  size_t equals = text.find('=');
  if (equals == std::string_view::npos) {
    return fail(Errc::kInvalid, "--env {}: has no '='; write NAME=VALUE", printable(text, 60));
  }
  std::string_view name = text.substr(0, equals);
  EnvironmentOption option;
  option.variable.value = text.substr(equals + 1);
  size_t colon = name.find(':');
  if (colon != std::string_view::npos) {
    option.container = name.substr(0, colon);
    name = name.substr(colon + 1);
  }
  if (name.empty() || (colon == 0)) {
    return fail(Errc::kInvalid, "--env {}: an empty name; write NAME=VALUE or CONTAINER:NAME=VALUE",
                printable(text, 60));
  }
  option.variable.name = name;
  return option;
}

Result<TaskDefinition> merge_overrides(TaskDefinition definition, const Overrides& overrides) {
  for (const ContainerOverride& each : overrides.containers) TRY(apply_container(definition, each));
  if (overrides.cpu) definition.cpu = overrides.cpu;
  if (overrides.memory_mib) definition.memory_mib = overrides.memory_mib;
  if (overrides.ephemeral_storage_gib) {
    definition.ephemeral_storage_gib = overrides.ephemeral_storage_gib;
  }
  if (!overrides.task_role_arn.empty()) definition.task_role_arn = overrides.task_role_arn;
  if (!overrides.execution_role_arn.empty()) {
    definition.execution_role_arn = overrides.execution_role_arn;
  }
  return definition;
}

Result<TaskDefinition> apply_overrides(TaskDefinition definition, const Overrides& overrides,
                                       const std::vector<EnvironmentOption>& options,
                                       CpuArchitecture host) {
  for (const EnvironmentOption& option : options) TRY(apply_option(definition, option));
  definition = TRY(merge_overrides(std::move(definition), overrides));
  Findings findings = check_task_definition(definition, host);
  if (!findings.empty()) return fail_with("with overrides", findings);
  return definition;
}

}  // namespace berth::scheduler
