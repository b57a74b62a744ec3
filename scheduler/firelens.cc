#include "scheduler/firelens.h"

#include "base/text.h"

#include <fmt/core.h>

#include <algorithm>

namespace berth::scheduler {
namespace {

constexpr size_t kRouterOptionShown = 100;
constexpr const char* kMetadataOption = "enable-ecs-log-metadata";
constexpr const char* kFileTypeOption = "config-file-type";
constexpr const char* kFileValueOption = "config-file-value";

const std::string* router_option(const FirelensConfiguration& firelens, const char* name) {
  auto found = firelens.options.find(name);
  return found == firelens.options.end() ? nullptr : &found->second;
}

}  // namespace

RouterOptions router_options_of(const FirelensConfiguration& firelens) {
  RouterOptions options;
  // The agent warns of what is no boolean, and then has it off.
  const std::string* metadata = router_option(firelens, kMetadataOption);
  if (metadata != nullptr) options.ecs_metadata = parse_log_flag(*metadata).value_or(false);
  const std::string* type = router_option(firelens, kFileTypeOption);
  const std::string* value = router_option(firelens, kFileValueOption);
  if (type == nullptr || value == nullptr) return options;
  options.external = *type == "s3" ? ExternalConfig::kS3 : ExternalConfig::kFile;
  options.value = *value;
  return options;
}

std::vector<LogProblem> check_router_options(const FirelensConfiguration& firelens, bool fargate) {
  std::vector<LogProblem> problems;
  for (const auto& [name, value] : firelens.options) {
    if (name == kMetadataOption || name == kFileTypeOption || name == kFileValueOption) continue;
    problems.push_back({name,
                        fmt::format("not supported: berth knows {}, {} and {}", kMetadataOption,
                                    kFileTypeOption, kFileValueOption),
                        Refuser::kBerth});
  }
  const std::string* type = router_option(firelens, kFileTypeOption);
  const std::string* value = router_option(firelens, kFileValueOption);
  if (type == nullptr) return problems;
  if (*type != "s3" && *type != "file") {
    problems.push_back(
        {kFileTypeOption, fmt::format("invalid value {} is specified for option {}",
                                      printable(*type, kRouterOptionShown), kFileTypeOption)});
  } else if (fargate && *type == "s3") {
    problems.push_back({kFileTypeOption,
                        "Tasks hosted on Fargate only support the file configuration file type."});
  }
  if (value == nullptr || value->empty()) {
    problems.push_back(
        {kFileTypeOption, fmt::format("option {} is specified but {} is not specified",
                                      kFileTypeOption, kFileValueOption)});
  } else if (*type == "s3" && !value->starts_with("arn:")) {
    problems.push_back({kFileValueOption, "Invalid arn syntax."});
  }
  return problems;
}

const char* output_key_of(FirelensType type) {
  return type == FirelensType::kFluentd ? "@type" : "Name";
}

bool uses_firelens(const ContainerDefinition& container) {
  return container.log_configuration && container.log_configuration->driver == kFirelensDriver;
}

const ContainerDefinition* firelens_router_of(const TaskDefinition& task) {
  auto found = std::find_if(
      task.container_definitions.begin(), task.container_definitions.end(),
      [](const ContainerDefinition& container) { return container.firelens.has_value(); });
  return found == task.container_definitions.end() ? nullptr : &*found;
}

bool waits_for_router(const TaskDefinition& task, const ContainerDefinition& container) {
  const ContainerDefinition* router = firelens_router_of(task);
  if (router == nullptr || router->name == container.name || !uses_firelens(container)) {
    return false;
  }
  bool router_waits =
      !router->depends_on.empty() || !router->links.empty() || !router->volumes_from.empty();
  bool is_said = std::any_of(
      container.depends_on.begin(), container.depends_on.end(),
      [&](const Dependency& dependency) { return dependency.container_name == router->name; });
  return !router_waits && !is_said;
}

}  // namespace berth::scheduler
