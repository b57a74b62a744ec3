#include "api/ecs_tags.h"

#include "api/ecs_service_lookup.h"
#include "api/ecs_shapes.h"
#include "api/tags.h"
#include "base/text.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

namespace berth::api::ecs {
namespace {

// What can have tags, found by its ARN. One of the pointers is set, or the ask is refused.
struct Tagged {
  const scheduler::Cluster* cluster = nullptr;
  const scheduler::Cluster* node_of = nullptr;
  const scheduler::Revision* revision = nullptr;
  const scheduler::Task* task = nullptr;
  const scheduler::Service* service = nullptr;  // or of it,
  const scheduler::TaskSet* task_set = nullptr;

  std::vector<scheduler::KeyValue> tags() const {
    if (cluster != nullptr) return cluster->tags;
    if (node_of != nullptr) return node_of->node.tags;
    if (revision != nullptr) return revision->tags;
    if (task_set != nullptr) return task_set->tags;
    if (service != nullptr) return service->configuration.tags;
    return task != nullptr ? task->request.tags : std::vector<scheduler::KeyValue>();
  }
};

const scheduler::Cluster* active_cluster(const Ecs& ecs, const std::string& name) {
  const scheduler::Cluster* cluster = ecs.catalog.find_cluster(name);
  return cluster != nullptr && cluster->active ? cluster : nullptr;
}

// Its ARNs name their cluster, which those of before 2018 did not.
bool is_of_cluster(const std::string& kind) {
  return kind == "service" || kind == "task" || kind == "container-instance";
}

Tagged find_tagged(const Ecs& ecs, Ask& ask) {
  Tagged found;
  std::string arn = ask.required_text("resourceArn");
  std::string resource = resource_of(ecs, ask, arn);
  if (ask.refused()) return found;
  std::vector<std::string> parts = split(resource, '/');
  if (parts[0] == "cluster" && parts.size() == 2) {
    found.cluster = active_cluster(ecs, parts[1]);
    if (found.cluster == nullptr) {
      ask.refuse("ClusterNotFoundException", "Cluster not found.");
    }
  } else if (parts[0] == "task-definition" && parts.size() == 2) {
    RevisionName name = revision_name_of(ecs, ask, arn);
    found.revision = name.number.empty() ? nullptr : find_revision(ecs, name);
  } else if (parts[0] == "task" && parts.size() == 3) {
    found.task = find_task(ecs, parts[2], parts[1]);
  } else if (parts[0] == "service" && parts.size() == 3) {
    found.service = ecs.core.services().find({parts[1], parts[2]});
  } else if (parts[0] == "task-set" && parts.size() == 5) {
    found.service = ecs.core.services().find({parts[1], parts[2]});
    if (found.service != nullptr) {
      found.task_set = find_task_set(*found.service, fmt::format("{}/{}", parts[3], parts[4]));
      if (found.task_set == nullptr) found.service = nullptr;
    }
  } else if (parts[0] == "container-instance" && parts.size() == 3) {
    if (parts[2] == ecs.catalog.node_id()) found.node_of = active_cluster(ecs, parts[1]);
  } else if (!arn.starts_with("arn:")) {
    ask.invalid("Invalid identifier: resourceArn must be an ARN.");
  } else if (parts.size() == 2 && is_of_cluster(parts[0])) {
    ask.invalid("Long arn format must be used for tagging operations");
  }
  bool is_there = found.cluster != nullptr || found.revision != nullptr || found.task != nullptr ||
                  found.node_of != nullptr || found.service != nullptr;
  if (!is_there) ask.invalid("The specified resource is not found.");
  return found;
}

void put_tags(Ecs& ecs, Ask& ask, const Tagged& tagged, std::vector<scheduler::KeyValue> tags) {
  if (tagged.task != nullptr) {
    ecs.core.submit(scheduler::TagsChanged{tagged.task->id, std::move(tags)});
    return ask.check(ecs.step());
  }
  if (tagged.task_set != nullptr) {
    ecs.core.submit(
        scheduler::TaskSetTagged{tagged.service->key, tagged.task_set->id, std::move(tags)});
    return ask.check(ecs.step());
  }
  if (tagged.service != nullptr) {
    scheduler::ServiceUpdated updated;
    updated.service = tagged.service->key;
    updated.configuration = tagged.service->configuration;
    updated.configuration.tags = std::move(tags);
    ecs.core.submit(std::move(updated));
    return ask.check(ecs.step());
  }
  if (tagged.revision != nullptr) {
    scheduler::Revision revision = *tagged.revision;
    revision.tags = std::move(tags);
    return ask.check(ecs.catalog.put(std::move(revision)));
  }
  scheduler::Cluster cluster = *(tagged.cluster != nullptr ? tagged.cluster : tagged.node_of);
  (tagged.cluster != nullptr ? cluster.tags : cluster.node.tags) = std::move(tags);
  ask.check(ecs.catalog.put(std::move(cluster)));
}

}  // namespace

std::vector<scheduler::KeyValue> read_tags(Ask& ask, std::string_view key) {
  return read_tag_list(ask, key,
                       {.key = "key",
                        .value = "value",
                        .bad_characters = "Some tags contain invalid characters. Valid characters: "
                                          "UTF-8 letters, spaces, numbers and _ . / = + - : @."});
}

Json tag_resource(Ecs& ecs, Ask& ask) {
  std::vector<scheduler::KeyValue> added = read_tags(ask, "tags");
  if (!ask.has("tags")) ask.invalid("tags can not be null.");
  Tagged tagged = find_tagged(ecs, ask);
  std::vector<scheduler::KeyValue> tags = tagged.tags();
  add_tags(ask, tags, std::move(added));
  if (!ask.refused()) put_tags(ecs, ask, tagged, std::move(tags));
  return Json::object();
}

Json untag_resource(Ecs& ecs, Ask& ask) {
  std::vector<std::string> keys = ask.texts("tagKeys", kTagsMax);
  if (!ask.has("tagKeys")) ask.invalid("tagKeys can not be null.");
  Tagged tagged = find_tagged(ecs, ask);
  std::vector<scheduler::KeyValue> tags = tagged.tags();
  remove_tags(tags, keys);
  if (!ask.refused()) put_tags(ecs, ask, tagged, std::move(tags));
  return Json::object();
}

Json list_tags_for_resource(Ecs& ecs, Ask& ask) {
  Tagged tagged = find_tagged(ecs, ask);
  return {{"tags", tags_json(tagged.tags())}};
}

}  // namespace berth::api::ecs
