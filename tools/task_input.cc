#include "tools/task_input.h"

#include "image/platform.h"
#include "scheduler/managed_volume.h"
#include "scheduler/overrides.h"
#include "scheduler/task_definition_parse.h"
#include "sys/file.h"

#include <unistd.h>

namespace berth::tools {
namespace {

constexpr size_t kDefinitionMax = 1024 * 1024;
constexpr size_t kOverridesFileMax = 1024 * 1024;

Result<scheduler::TaskDefinition> configure_volumes(scheduler::TaskDefinition definition,
                                                    const std::string& file) {
  std::vector<scheduler::ManagedVolume> volumes;
  if (!file.empty()) {
    std::string text = TRY(sys::read_file(file, kOverridesFileMax));
    scheduler::VolumeAsk ask{.fargate = definition.requires_fargate()};
    volumes = TRY(scheduler::read_managed_volumes(text, file, ask));
  }
  auto checked = scheduler::check_managed_volumes(definition, volumes);
  if (!checked) return wrap(std::move(checked).error(), "--volume-configurations");
  return scheduler::merge_managed_volumes(std::move(definition), volumes);
}

}  // namespace

Result<std::string> read_task_input(const std::string& file) {
  if (file == "-") return sys::read_all(STDIN_FILENO, kDefinitionMax);
  return sys::read_file(file, kDefinitionMax);
}

Result<scheduler::TaskDefinition> effective_definition(const DefinitionOptions& options) {
  auto host = TRY(host_architecture());
  auto definition = TRY(scheduler::read_task_definition(options.text, options.file, host));
  std::vector<scheduler::EnvironmentOption> environment;
  for (const std::string& text : options.env) {
    environment.push_back(TRY(scheduler::parse_environment_option(text)));
  }
  scheduler::Overrides overrides;
  if (!options.overrides.empty()) {
    std::string text = TRY(sys::read_file(options.overrides, kOverridesFileMax));
    overrides = TRY(scheduler::read_overrides(text, options.overrides));
  }
  definition = TRY(scheduler::apply_overrides(std::move(definition), overrides, environment, host));
  return configure_volumes(std::move(definition), options.volumes);
}

Result<scheduler::CpuArchitecture> host_architecture() {
  image::Platform host = TRY(image::host_platform());
  if (host.architecture == "amd64") return scheduler::CpuArchitecture::kX86_64;
  if (host.architecture == "arm64") return scheduler::CpuArchitecture::kArm64;
  return fail(Errc::kUnsupported, "this host is {}; ECS knows X86_64 and ARM64", host.to_string());
}

}  // namespace berth::tools
