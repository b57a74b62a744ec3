#include "scheduler/definition_defaults.h"

#include "scheduler/sizes.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <initializer_list>

namespace berth::scheduler {
namespace {

using DefinitionJson = nlohmann::ordered_json;

// Not part of what is registered, or kept beside it.
constexpr auto kNotKept = {
    "tags",           "taskDefinitionArn",  "revision",     "status",
    "registeredAt",   "requiresAttributes", "registeredBy", "compatibilities",
    "deregisteredAt", "deleteRequestedAt"};
constexpr auto kContainerLists = {"portMappings", "environment", "mountPoints", "volumesFrom",
                                  "systemControls"};

// A null is an absent member.
void remove_nulls(DefinitionJson& json) {
  if (json.is_object()) {
    for (auto member = json.begin(); member != json.end();) {
      member = member->is_null() ? json.erase(member) : std::next(member);
    }
  }
  if (!json.is_structured()) return;
  for (auto& each : json) remove_nulls(each);
}

void set_absent(DefinitionJson& json, const char* key, DefinitionJson value) {
  if (!json.contains(key)) json[key] = std::move(value);
}

bool wants_fargate(const DefinitionJson& definition) {
  auto list = definition.find("requiresCompatibilities");
  return list != definition.end() &&
         std::find(list->begin(), list->end(), "FARGATE") != list->end();
}

void add_port_defaults(DefinitionJson& port, const std::string& mode) {
  set_absent(port, "protocol", "tcp");
  if (port.contains("containerPortRange")) return;
  if (mode == "awsvpc" || mode == "host") set_absent(port, "hostPort", port["containerPort"]);
  if (mode == "bridge") set_absent(port, "hostPort", 0);
}

void add_container_defaults(DefinitionJson& container, const std::string& mode) {
  set_absent(container, "cpu", 0);
  set_absent(container, "essential", true);
  for (const char* key : kContainerLists) set_absent(container, key, DefinitionJson::array());
  for (DefinitionJson& port : container["portMappings"]) add_port_defaults(port, mode);
}

}  // namespace

std::string with_defaults(const json::Node& root) {
  DefinitionJson json = DefinitionJson::parse(root.dump());
  for (const char* key : kNotKept) json.erase(key);
  remove_nulls(json);
  if (wants_fargate(json)) set_absent(json, "networkMode", "awsvpc");
  auto set_size = [&](const char* key, auto parse) {
    if (!json.contains(key)) return;
    if (auto size = parse(json[key].template get<std::string>())) {
      json[key] = fmt::format("{}", *size);
    }
  };
  set_size("cpu", parse_task_cpu);
  set_size("memory", parse_task_memory);
  std::string mode = json.value("networkMode", "bridge");
  for (DefinitionJson& container : json["containerDefinitions"]) {
    add_container_defaults(container, mode);
  }
  set_absent(json, "volumes", DefinitionJson::array());
  set_absent(json, "placementConstraints", DefinitionJson::array());
  return json.dump();
}

}  // namespace berth::scheduler
