#include "scheduler/definition_source.h"

#include "base/json.h"
#include "scheduler/managed_volume.h"
#include "scheduler/overrides.h"

namespace berth::scheduler {

LaunchType launch_type_of(std::string_view word) {
  if (word.empty()) return LaunchType::kAsWritten;
  return word == "FARGATE" ? LaunchType::kFargate : LaunchType::kEc2;
}

Result<TaskDefinition> make_definition(const DefinitionSource& source, CpuArchitecture host) {
  auto document = TRY(json::Document::parse(source.definition_json, {.name = "task definition"}));
  return make_definition(
      source, parse_task_definition(document.root(), host, launch_type_of(source.launch_type)));
}

Result<TaskDefinition> make_definition(const DefinitionSource& source,
                                       ParsedTaskDefinition parsed) {
  if (!parsed.complete) return fail_with("task definition", parsed.findings);
  if (!source.volumes_json.empty()) {
    auto list = TRY(json::Document::parse(source.volumes_json, {.name = "volumeConfigurations"}));
    parsed.definition = merge_managed_volumes(
        std::move(parsed.definition),
        parse_managed_volumes(TRY(list.root().as_array()), VolumeAsk{}).volumes);
  }
  if (source.overrides_json.empty()) return std::move(parsed.definition);
  auto overrides = TRY(json::Document::parse(source.overrides_json, {.name = "overrides"}));
  return merge_overrides(std::move(parsed.definition), parse_overrides(overrides.root()).overrides);
}

}  // namespace berth::scheduler
