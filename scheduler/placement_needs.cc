#include "scheduler/placement_needs.h"

#include "base/text.h"
#include "scheduler/reader.h"

#include <fmt/core.h>

#include <map>
#include <optional>

namespace berth::scheduler {
namespace {

constexpr size_t kWordShown = 60;
constexpr uint64_t kGpusMax = 64;  // of a container

// "2": a whole number, of one GPU at least.
std::optional<uint64_t> parse_gpus(std::string_view text) {
  auto number = parse_u64(text);
  if (!number || *number < 1 || *number > kGpusMax) return std::nullopt;
  return number;
}

std::string member_of_node(const json::Node& node, std::string_view key) {
  auto text = node.find_string(key);
  return text && *text ? **text : "";
}

std::vector<json::Node> items_of(const json::Node& node, std::string_view key) {
  auto value = node.find(key);
  if (!value || !value->is_array()) return {};
  return value->as_array().value_or(std::vector<json::Node>{});
}

// Nothing when the container asks for none.
std::optional<uint64_t> gpus_of(const json::Node& container) {
  for (const json::Node& requirement : items_of(container, "resourceRequirements")) {
    if (member_of_node(requirement, "type") != "GPU") continue;
    return parse_gpus(member_of_node(requirement, "value")).value_or(0);
  }
  return std::nullopt;
}

}  // namespace

void check_placement_constraints(Reader& reader, const json::Node& definition) {
  std::vector<json::Node> constraints = reader.array(definition, "placementConstraints");
  if (constraints.size() > kPlacementConstraintsMax) {
    reader.invalid_at(definition, "placementConstraints",
                      fmt::format("{} placement constraints, at most {} are allowed",
                                  constraints.size(), kPlacementConstraintsMax));
  }
  for (const json::Node& each : constraints) {
    if (!reader.check_members(each, "TaskDefinitionPlacementConstraint")) continue;
    std::string type = reader.required_string(each, "type");
    if (!type.empty() && type != "memberOf") {
      reader.malformed_at(
          each, "type",
          fmt::format("constraint.type '{}' is not supported.", printable(type, kWordShown)));
    }
    reader.required_string(each, "expression");
  }
}

void check_resource_requirements(Reader& reader, const json::Node& container) {
  bool has_gpus = false;
  for (const json::Node& each : reader.array(container, "resourceRequirements")) {
    if (!reader.check_members(each, "ResourceRequirement")) continue;
    std::string type = reader.required_string(each, "type");
    std::string value = reader.required_string(each, "value");
    if (type == "InferenceAccelerator") {
      reader.invalid_at(each, "type", "Unsupported field 'inferenceAccelerators'.");
    } else if (!type.empty() && type != "GPU") {
      reader.malformed_at(each, "type",
                          fmt::format("'{}' is not one of [GPU, InferenceAccelerator]",
                                      printable(type, kWordShown)));
    } else if (!type.empty() && has_gpus) {
      reader.invalid_at(each, "type", "GPU is required more than once");
    } else if (!type.empty() && !value.empty() && !parse_gpus(value)) {
      reader.invalid_at(each, "value",
                        fmt::format("'{}' is no number of GPUs: 1 to {}",
                                    printable(value, kWordShown), kGpusMax));
    }
    has_gpus = has_gpus || type == "GPU";
  }
}

Result<PlacementNeeds> placement_needs_of(std::string_view definition_json,
                                          std::string_view overrides_json) {
  auto document = TRY(json::Document::parse(definition_json, {.name = "task definition"}));
  json::Node root = document.root();
  auto inner = root.find("taskDefinition");
  const json::Node& definition = inner ? *inner : root;
  PlacementNeeds needs;
  for (const json::Node& each : items_of(definition, "placementConstraints")) {
    needs.member_of.push_back(member_of_node(each, "expression"));
  }
  std::map<std::string, uint64_t> gpus;
  for (const json::Node& container : items_of(definition, "containerDefinitions")) {
    gpus[member_of_node(container, "name")] = gpus_of(container).value_or(0);
  }
  if (!overrides_json.empty()) {
    auto overrides = TRY(json::Document::parse(overrides_json, {.name = "overrides"}));
    for (const json::Node& container : items_of(overrides.root(), "containerOverrides")) {
      if (auto own = gpus_of(container)) gpus[member_of_node(container, "name")] = *own;
    }
  }
  for (const auto& [name, count] : gpus) needs.gpus += count;
  return needs;
}

}  // namespace berth::scheduler
