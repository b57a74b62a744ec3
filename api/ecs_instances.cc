// This host as a container instance, and its attributes.
#include "api/ecs_node.h"
#include "api/ecs_page.h"
#include "api/ecs_shapes.h"
#include "base/text.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace berth::api::ecs {
namespace {

using scheduler::Cluster;
using scheduler::KeyValue;

constexpr size_t kInstanceBatchMax = 100;
constexpr size_t kStateBatchMax = 10;
constexpr size_t kAttributesMax = 10;
constexpr size_t kAttributeNameMax = 128;
constexpr size_t kAttributeValueMax = 128;

struct AttributeItem {
  KeyValue attribute{};
  bool has_value = false;
};

bool is_attribute_name(std::string_view name) {
  constexpr std::string_view kOthers = "-_./\\";
  return !name.empty() && name.size() <= kAttributeNameMax &&
         std::all_of(name.begin(), name.end(), [&](char c) {
           return is_name(std::string_view(&c, 1)) || kOthers.find(c) != std::string_view::npos;
         });
}

std::vector<AttributeItem> read_attributes(const Ecs& ecs, Ask& ask, const Cluster* cluster) {
  std::vector<AttributeItem> items;
  std::vector<json::Node> nodes = ask.objects("attributes", kAttributesMax);
  if (nodes.empty()) ask.invalid("attributes can not be empty.");
  for (const json::Node& node : nodes) {
    AttributeItem item;
    item.attribute = {.name = ask.required_text(node, "name"), .value = ask.text(node, "value")};
    item.has_value = node.find("value").has_value();
    ask.word(node, "targetType", {"container-instance"});
    std::string target = ask.text(node, "targetId");
    if (!is_attribute_name(item.attribute.name)) {
      ask.invalid(fmt::format("{}.name: must have 1 to {} letters, digits and -_./\\", node.path(),
                              kAttributeNameMax));
    }
    if (item.attribute.value.size() > kAttributeValueMax) {
      ask.invalid(
          fmt::format("{}.value: can have at most {} characters", node.path(), kAttributeValueMax));
    }
    if (target.empty()) ask.invalid("Target ID must be specified.");
    if (cluster != nullptr && !is_this_node(ecs, ask, target, cluster->name)) {
      ask.refuse("TargetNotFoundException", "The specified target was not found.");
    }
    items.push_back(std::move(item));
  }
  return items;
}

void check_is_custom(const Ecs& ecs, Ask& ask, const AttributeItem& item) {
  std::vector<KeyValue> built_in = built_in_attributes(ecs);
  bool is_built_in = std::any_of(built_in.begin(), built_in.end(), [&](const KeyValue& each) {
    return each.name == item.attribute.name;
  });
  if (!is_built_in) return;
  ask.invalid(fmt::format("{} is an attribute that the instance has by itself.",
                          printable(item.attribute.name, kNameShown)));
}

Json attribute_json(const Ecs& ecs, const std::string& cluster, const KeyValue& attribute) {
  Json json = {{"name", attribute.name}};
  if (!attribute.value.empty()) json["value"] = attribute.value;
  json["targetId"] = container_instance_arn(ecs, cluster);
  return json;
}

// The node of a batch of instances; what is not it goes to the failures.
bool find_node(const Ecs& ecs, Ask& ask, const Cluster& cluster,
               const std::vector<std::string>& texts, std::vector<Failure>& failures) {
  bool found = false;
  for (const std::string& text : texts) {
    if (is_this_node(ecs, ask, text, cluster.name)) {
      found = true;
    } else {
      failures.push_back(
          {missing_arn(ecs, text, fmt::format("container-instance/{}/", cluster.name))});
    }
  }
  return found;
}

// Its services look again: they have a place now, or their tasks are to leave it.
void change_node(Ecs& ecs, Ask& ask, Cluster cluster) {
  std::string name = cluster.name;
  ask.check(ecs.catalog.put(std::move(cluster)));
  if (ask.refused()) return;
  ecs.core.submit(scheduler::NodeChanged{std::move(name)});
  ask.check(ecs.step());
}

Json instances_answer(const Ecs& ecs, const std::string& cluster, bool found,
                      const std::vector<Failure>& failures, Tags tags) {
  Json list = Json::array();
  if (found) {
    list.push_back(container_instance_json(ecs, *ecs.catalog.find_cluster(cluster), tags));
  }
  return {{"containerInstances", std::move(list)}, {"failures", failures_json(failures)}};
}

}  // namespace

Json describe_container_instances(Ecs& ecs, Ask& ask) {
  auto include = ask.words("include", {"TAGS", "CONTAINER_INSTANCE_HEALTH"});
  const Cluster* cluster = find_cluster(ecs, ask);
  std::vector<std::string> texts =
      ask.batch("containerInstances", kInstanceBatchMax, "instanceIds");
  if (texts.empty()) ask.invalid("Container instances cannot be empty.");
  if (ask.refused()) return {};
  std::vector<Failure> failures;
  bool found = find_node(ecs, ask, *cluster, texts, failures);
  bool has_tags = std::find(include.begin(), include.end(), "TAGS") != include.end();
  return instances_answer(ecs, cluster->name, found, failures,
                          has_tags ? Tags::kWith : Tags::kWithout);
}

Json list_container_instances(Ecs& ecs, Ask& ask) {
  const Cluster* cluster = find_cluster(ecs, ask);
  std::string status = ask.word(
      "status", {"ACTIVE", "DRAINING", "REGISTERING", "DEREGISTERING", "REGISTRATION_FAILED"});
  std::string filter = ask.text("filter");
  auto query = Query::parse(filter);
  if (!filter.empty() && !query) ask.invalid(fmt::format("filter: {}", query.error().text));
  if (ask.refused()) return {};
  std::vector<std::string> arns;
  const char* own = cluster->node.draining ? "DRAINING" : "ACTIVE";
  bool is_wanted = filter.empty() || query->matches(query_facts(ecs, *cluster));
  if (is_wanted && (status.empty() || status == own))
    arns.push_back(container_instance_arn(ecs, cluster->name));
  return render_page("containerInstanceArns", page_of(ask, arns, kInstanceBatchMax));
}

Json update_container_instances_state(Ecs& ecs, Ask& ask) {
  const Cluster* cluster = find_cluster(ecs, ask);
  std::vector<std::string> texts = ask.batch("containerInstances", kStateBatchMax, "instanceIds");
  if (texts.empty()) ask.invalid("Container instances cannot be empty.");
  std::string status = ask.required_text("status");
  ask.word("status", {"ACTIVE", "DRAINING"});
  if (ask.refused()) return {};
  std::vector<Failure> failures;
  bool found = find_node(ecs, ask, *cluster, texts, failures);
  if (ask.refused()) return {};
  Cluster changed = *cluster;
  std::string name = cluster->name;
  changed.node.draining = status == "DRAINING";
  if (found) change_node(ecs, ask, std::move(changed));
  return ask.refused() ? Json() : instances_answer(ecs, name, found, failures, Tags::kWithout);
}

// The node is part of every cluster for as long as berth runs.
Json deregister_container_instance(Ecs& ecs, Ask& ask) {
  const Cluster* cluster = find_cluster(ecs, ask);
  std::string text = ask.required_text("containerInstance");
  if (cluster != nullptr && !is_this_node(ecs, ask, text, cluster->name)) {
    ask.invalid("Referenced container instance " + text + " not found.");
  }
  ask.client_error(
      "berth's one host is a container instance of every cluster and cannot leave; "
      "drain it instead (UpdateContainerInstancesState DRAINING).");
  return {};
}

Json update_container_agent(Ecs& ecs, Ask& ask) {
  find_cluster(ecs, ask);
  ask.required_text("containerInstance");
  ask.refuse("NoUpdateAvailableException",
             "There is no update available for your container agent.");
  return {};
}

Json put_attributes(Ecs& ecs, Ask& ask) {
  const Cluster* cluster = find_cluster(ecs, ask);
  std::vector<AttributeItem> items = read_attributes(ecs, ask, cluster);
  for (const AttributeItem& item : items) check_is_custom(ecs, ask, item);
  if (ask.refused()) return {};
  Cluster changed = *cluster;
  std::vector<KeyValue>& attributes = changed.node.attributes;
  Json put = Json::array();
  for (const AttributeItem& item : items) {
    std::erase_if(attributes,
                  [&](const KeyValue& each) { return each.name == item.attribute.name; });
    attributes.push_back(item.attribute);
    put.push_back(attribute_json(ecs, cluster->name, item.attribute));
  }
  if (attributes.size() > kAttributesMax) {
    ask.refuse("AttributeLimitExceededException",
               fmt::format("An instance can have at most {} custom attributes.", kAttributesMax));
    return {};
  }
  change_node(ecs, ask, std::move(changed));
  return {{"attributes", std::move(put)}};
}

Json delete_attributes(Ecs& ecs, Ask& ask) {
  const Cluster* cluster = find_cluster(ecs, ask);
  std::vector<AttributeItem> items = read_attributes(ecs, ask, cluster);
  if (ask.refused()) return {};
  Cluster changed = *cluster;
  Json deleted = Json::array();
  for (const AttributeItem& item : items) {
    size_t count = std::erase_if(changed.node.attributes, [&](const KeyValue& each) {
      bool value_matches = !item.has_value || each.value == item.attribute.value;
      return each.name == item.attribute.name && value_matches;
    });
    if (count > 0) deleted.push_back(attribute_json(ecs, cluster->name, item.attribute));
  }
  change_node(ecs, ask, std::move(changed));
  return {{"attributes", std::move(deleted)}};
}

Json list_attributes(Ecs& ecs, Ask& ask) {
  const Cluster* cluster = find_cluster(ecs, ask);
  if (ask.required_text("targetType") != "container-instance") {
    ask.word("targetType", {"container-instance"});
  }
  std::string name = ask.text("attributeName");
  std::string value = ask.text("attributeValue");
  if (ask.refused()) return {};
  std::vector<KeyValue> all = built_in_attributes(ecs);
  all.insert(all.end(), cluster->node.attributes.begin(), cluster->node.attributes.end());
  std::vector<std::string> names;
  for (const KeyValue& each : all) {
    bool is_wanted = (name.empty() || each.name == name) && (value.empty() || each.value == value);
    if (is_wanted) names.push_back(each.name);
  }
  Page page = page_of(ask, names, kInstanceBatchMax);
  Json list = Json::array();
  for (const KeyValue& each : all) {
    bool is_on_page =
        std::find(page.items.begin(), page.items.end(), each.name) != page.items.end();
    if (is_on_page) list.push_back(attribute_json(ecs, cluster->name, each));
  }
  Json answer = {{"attributes", std::move(list)}};
  if (!page.next_token.empty()) answer["nextToken"] = page.next_token;
  return answer;
}

}  // namespace berth::api::ecs
