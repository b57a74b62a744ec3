#include "agent/firelens.h"

#include <fmt/core.h>

#include <algorithm>
#include <optional>

namespace berth::agent {
namespace {

using scheduler::ContainerDefinition;
using scheduler::FirelensType;
using scheduler::NetworkMode;
using scheduler::TaskDefinition;

constexpr const char* kHealthTag = "firelens-healthcheck";
constexpr const char* kHealthAddress = "127.0.0.1";
constexpr const char* kHealthPort = "8877";
constexpr uint32_t kBufferMbUnlessKnown = 25;

const char* match_all(FirelensType type) {
  return type == FirelensType::kFluentd ? "**" : "*";
}

std::string output_tag(FirelensType type, const std::string& container) {
  return container + "-firelens" + match_all(type);
}

// Half of what the router may have, for the one input that has no end.
std::string buffer_limit_of(const ContainerDefinition& router) {
  uint32_t mib = router.memory_reservation_mib.value_or(router.memory_mib.value_or(0)) / 2;
  return fmt::format("{}MB", mib == 0 ? kBufferMbUnlessKnown : mib);
}

// The address that the router listens on for TCP; nothing where the agent opens no port.
std::optional<std::string> listening_address(const TaskDefinition& task,
                                             const ContainerDefinition& router) {
  if (task.network_mode == NetworkMode::kAwsvpc) return "127.0.0.1";
  bool is_bridged = task.network_mode == NetworkMode::kBridge && !router.disable_networking;
  if (is_bridged) return "0.0.0.0";
  return std::nullopt;
}

void add_inputs(const TaskDefinition& task, const ContainerDefinition& router,
                FirelensConfig& config) {
  bool is_fluentd = config.type == FirelensType::kFluentd;
  std::string socket = std::string(kRouterSocketDirectory) + "/" + kRouterSocketName;
  if (is_fluentd) {
    config.inputs.push_back({"unix", "", {{"path", socket}}});
  } else {
    config.inputs.push_back(
        {"forward", "", {{"unix_path", socket}, {"Mem_Buf_Limit", buffer_limit_of(router)}}});
  }
  auto address = listening_address(task, router);
  if (!address) return;
  if (is_fluentd) {
    config.inputs.push_back({"forward", "", {{"bind", *address}, {"port", kRouterPort}}});
    return;
  }
  config.inputs.push_back({"forward", "", {{"Listen", *address}, {"Port", kRouterPort}}});
  config.inputs.push_back({"tcp", kHealthTag, {{"Listen", kHealthAddress}, {"Port", kHealthPort}}});
  config.outputs.push_back({"null", kHealthTag, {}});
}

std::map<std::string, std::string> options_of(const ContainerDefinition& container, size_t place,
                                              FirelensType type) {
  std::map<std::string, std::string> options = container.log_configuration->options;
  options.erase(scheduler::kDriverBufferLimit);
  for (const scheduler::SecretVariable& secret : container.log_configuration->secret_options) {
    std::string variable = firelens_variable(secret.name, place);
    options[secret.name] = type == FirelensType::kFluentd
                               ? fmt::format("\"#{{ENV['{}']}}\"", variable)
                               : fmt::format("${{{}}}", variable);
  }
  return options;
}

void add_output(const ContainerDefinition& container, size_t place, FirelensConfig& config) {
  std::map<std::string, std::string> options = options_of(container, place, config.type);
  std::string tag = output_tag(config.type, container.name);
  auto take = [&](const char* name) {
    auto node = options.extract(name);
    return node.empty() ? std::optional<std::string>() : std::move(node.mapped());
  };
  if (auto pattern = take(scheduler::kIncludePattern)) config.includes.push_back({tag, *pattern});
  if (auto pattern = take(scheduler::kExcludePattern)) config.excludes.push_back({tag, *pattern});
  // Without one, what is included may have the output.
  auto name = take(scheduler::output_key_of(config.type));
  if (name) config.outputs.push_back({*name, tag, std::move(options)});
}

// ---- text ----

std::string render_options(const std::map<std::string, std::string>& options,
                           std::string_view before) {
  std::string text;
  for (const auto& [name, value] : options) text += fmt::format("{}{} {}\n", before, name, value);
  return text;
}

std::string render_fluentbit(const FirelensConfig& config) {
  std::string text;
  for (const FirelensSection& input : config.inputs) {
    text += fmt::format("\n[INPUT]\n    Name {}\n", input.name);
    if (!input.tag.empty()) text += fmt::format("    Tag {}\n", input.tag);
    text += render_options(input.options, "    ");
  }
  for (const FirelensFilter& filter : config.includes) {
    text += fmt::format("\n[FILTER]\n    Name   grep\n    Match {}\n    Regex  log {}\n",
                        filter.tag, filter.pattern);
  }
  for (const FirelensFilter& filter : config.excludes) {
    text += fmt::format("\n[FILTER]\n    Name   grep\n    Match {}\n    Exclude log {}\n",
                        filter.tag, filter.pattern);
  }
  if (!config.fields.empty()) {
    text += "\n[FILTER]\n    Name record_modifier\n    Match *\n";
    text += render_options(config.fields, "    Record ");
  }
  if (!config.external.empty()) text += fmt::format("\n@INCLUDE {}\n", config.external);
  for (const FirelensSection& output : config.outputs) {
    text += fmt::format("\n[OUTPUT]\n    Name {}\n    Match {}\n", output.name, output.tag);
    text += render_options(output.options, "    ");
  }
  return text;
}

std::string render_fluentd(const FirelensConfig& config) {
  std::string text;
  for (const FirelensSection& input : config.inputs) {
    text += fmt::format("\n<source>\n    @type {}\n{}</source>\n", input.name,
                        render_options(input.options, "    "));
  }
  auto add_filter = [&](const FirelensFilter& filter, const char* word) {
    text += fmt::format(
        "\n<filter {0}>\n    @type  grep\n    <{1}>\n        key log\n        pattern {2}\n"
        "    </{1}>\n</filter>\n",
        filter.tag, word, filter.pattern);
  };
  for (const FirelensFilter& filter : config.includes) add_filter(filter, "regexp");
  for (const FirelensFilter& filter : config.excludes) add_filter(filter, "exclude");
  if (!config.fields.empty()) {
    text += "\n<filter **>\n    @type record_transformer\n    <record>\n";
    text += render_options(config.fields, "        ") + "    </record>\n</filter>\n";
  }
  if (!config.external.empty()) text += fmt::format("\n@include {}\n", config.external);
  for (const FirelensSection& output : config.outputs) {
    text += fmt::format("\n<match {}>\n    @type {}\n{}</match>\n", output.tag, output.name,
                        render_options(output.options, "    "));
  }
  return text;
}

}  // namespace

const char* router_config_target(FirelensType type) {
  return type == FirelensType::kFluentd ? "/fluentd/etc/fluent.conf"
                                        : "/fluent-bit/etc/fluent-bit.conf";
}

const char* router_external_target(FirelensType type) {
  return type == FirelensType::kFluentd ? "/fluentd/etc/external.conf"
                                        : "/fluent-bit/etc/external.conf";
}

FirelensConfig firelens_config_of(const TaskDefinition& task, const FirelensIdentity& identity) {
  const ContainerDefinition& router = *scheduler::firelens_router_of(task);
  FirelensConfig config;
  config.type = router.firelens->type;
  add_inputs(task, router, config);
  scheduler::RouterOptions options = scheduler::router_options_of(*router.firelens);
  if (options.ecs_metadata) {
    config.fields = {{"ecs_cluster", identity.cluster},
                     {"ecs_task_arn", identity.task_arn},
                     {"ecs_task_definition", identity.task_definition}};
  }
  if (options.external == scheduler::ExternalConfig::kFile) config.external = options.value;
  if (options.external == scheduler::ExternalConfig::kS3) {
    config.external = router_external_target(config.type);
  }
  for (size_t i = 0; i < task.container_definitions.size(); ++i) {
    const ContainerDefinition& container = task.container_definitions[i];
    if (scheduler::uses_firelens(container)) add_output(container, i, config);
  }
  return config;
}

std::string render_firelens_config(const FirelensConfig& config) {
  return config.type == FirelensType::kFluentd ? render_fluentd(config) : render_fluentbit(config);
}

std::string firelens_variable(const std::string& option, size_t place) {
  return option + "_" + std::to_string(place);
}

std::string firelens_tag(const std::string& container, const std::string& task_id) {
  return container + "-firelens-" + task_id;
}

}  // namespace berth::agent
