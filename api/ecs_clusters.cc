// Clusters: names for groups of tasks. They share this one host, which is a container instance of
// each.
#include "api/ecs_page.h"
#include "api/ecs_service_lookup.h"
#include "api/ecs_shapes.h"
#include "api/ecs_strategy.h"
#include "api/ecs_tags.h"
#include "base/text.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>

namespace berth::api::ecs {
namespace {

using scheduler::Cluster;

constexpr size_t kClusterBatchMax = 100;
constexpr size_t kProvidersMax = 20;
constexpr size_t kSettingsMax = 10;
constexpr size_t kProviderBatchMax = 10;
constexpr size_t kNamespaceMax = 1024;

// What answers to changes show.
const std::vector<std::string>& all_parts() {
  static const std::vector<std::string> kParts = {"CONFIGURATIONS", "SETTINGS", "TAGS"};
  return kParts;
}

Json cluster_answer(const Ecs& ecs, const std::string& name) {
  return {{"cluster", cluster_json(ecs, *ecs.catalog.find_cluster(name), all_parts())}};
}

std::string insights_of(const Ecs& ecs) {
  for (const scheduler::AccountSetting& setting : ecs.catalog.settings()) {
    if (setting.name == "containerInsights" && setting.principal.empty()) return setting.value;
  }
  return "disabled";
}

std::string settings_text(const std::string& insights) {
  return Json::array({{{"name", "containerInsights"}, {"value", insights}}}).dump();
}

// Nothing: the member is not there.
std::optional<std::string> read_settings(Ask& ask) {
  if (!ask.has("settings")) return std::nullopt;
  std::optional<std::string> insights;
  for (const json::Node& node : ask.objects("settings", kSettingsMax)) {
    ask.word(node, "name", {"containerInsights"});
    ask.required_text(node, "name");
    ask.required_text(node, "value");
    std::string value = ask.text(node, "value");
    if (value != "enabled" && value != "enhanced" && value != "disabled") {
      ask.invalid("Invalid setting 'value'");
    }
    insights = value;
  }
  return insights;
}

// Kept and shown; nothing here acts on it.
std::optional<std::string> read_configuration(Ask& ask) {
  auto node = ask.object("configuration");
  if (!node) return std::nullopt;
  if (auto execute = ask.object(*node, "executeCommandConfiguration")) {
    std::string logging = ask.word(*execute, "logging", {"NONE", "DEFAULT", "OVERRIDE"});
    auto logs = ask.object(*execute, "logConfiguration");
    if (logs && logging != "OVERRIDE") {
      ask.invalid("You must set logging to 'OVERRIDE' when you supply a log configuration.");
    }
    if (!logs && logging == "OVERRIDE") {
      ask.invalid(
          "A CloudWatch log group name or S3 bucket name must be specified when overriding the "
          "default log configuration.");
    }
    ask.text(*execute, "kmsKeyId");
  }
  ask.object(*node, "managedStorageConfiguration");
  return node->dump();
}

std::optional<std::string> read_service_connect(Ask& ask) {
  auto node = ask.object("serviceConnectDefaults");
  if (!node) return std::nullopt;
  if (!node->find("namespace")) ask.invalid("serviceConnectDefaults.namespace can not be null.");
  std::string name = ask.text(*node, "namespace");
  if (name.size() > kNamespaceMax) ask.invalid("serviceConnectDefaults.namespace is too long.");
  return name.empty() ? "" : Json({{"namespace", name}}).dump();  // "" takes it away
}

std::vector<std::string> read_providers(Ask& ask) {
  std::vector<std::string> providers = ask.texts("capacityProviders", kProvidersMax);
  for (const std::string& name : providers) {
    if (is_provider(name)) continue;
    ask.invalid(fmt::format("The specified capacity provider '{}' was not found.",
                            printable(name, kNameShown)));
  }
  return providers;
}

// By name or ARN, ACTIVE or not. Null: refused.
const Cluster* find_named(const Ecs& ecs, Ask& ask) {
  std::string name = cluster_name_of(ecs, ask, ask.required_text("cluster"));
  if (ask.refused()) return nullptr;
  const Cluster* cluster = ecs.catalog.find_cluster(name);
  if (cluster == nullptr) ask.refuse("ClusterNotFoundException", "Cluster not found.");
  return cluster;
}

const Cluster* find_active(const Ecs& ecs, Ask& ask) {
  ask.required_text("cluster");
  return find_cluster(ecs, ask);
}

// Whether a task or a service of the cluster has a capacity provider that is not among `kept`.
bool has_other_providers(const Ecs& ecs, const std::string& cluster,
                         const std::vector<std::string>& kept) {
  std::set<std::string> used;
  for (const scheduler::Task* task : tasks_of(ecs, cluster)) {
    if (!is_stopped(*task)) used.insert(task->request.capacity_provider);
  }
  for (const scheduler::Service* service : services_of(ecs, cluster)) {
    if (service->status == scheduler::ServiceStatus::kInactive) continue;
    for (const auto& share : service->configuration.providers) used.insert(share.provider);
  }
  used.erase("");
  return std::any_of(used.begin(), used.end(), [&](const std::string& provider) {
    return std::find(kept.begin(), kept.end(), provider) == kept.end();
  });
}

}  // namespace

Json create_cluster(Ecs& ecs, Ask& ask) {
  Cluster cluster;
  cluster.name = ask.has("clusterName") ? ask.text("clusterName") : scheduler::kDefaultCluster;
  if (!is_name(cluster.name)) {
    ask.invalid(fmt::format("ClusterName must match {}", kNamePattern));
  }
  cluster.settings_json = settings_text(read_settings(ask).value_or(insights_of(ecs)));
  cluster.configuration_json = read_configuration(ask).value_or("");
  cluster.service_connect_json = read_service_connect(ask).value_or("");
  cluster.capacity_providers = read_providers(ask);
  cluster.default_strategy_json = render_strategy(
      read_strategy(ask, "defaultCapacityProviderStrategy", cluster.capacity_providers));
  cluster.tags = read_tags(ask, "tags");
  if (ask.refused()) return {};
  const Cluster* existing = ecs.catalog.find_cluster(cluster.name);
  std::string name = cluster.name;
  if (existing != nullptr && existing->active) return cluster_answer(ecs, name);
  if (existing == nullptr && ecs.catalog.clusters().size() >= scheduler::kClustersMax) {
    ask.client_error(
        fmt::format("There are {} clusters, and no more can be had.", scheduler::kClustersMax));
    return {};
  }
  ask.check(ecs.catalog.put(std::move(cluster)));
  return ask.refused() ? Json() : cluster_answer(ecs, name);
}

Json describe_clusters(Ecs& ecs, Ask& ask) {
  std::vector<std::string> wanted = ask.texts("clusters", kClusterBatchMax);
  std::vector<std::string> include =
      ask.words("include", {"ATTACHMENTS", "CONFIGURATIONS", "SETTINGS", "STATISTICS", "TAGS"});
  if (wanted.empty()) wanted = {scheduler::kDefaultCluster};
  Json clusters = Json::array();
  std::vector<Failure> failures;
  for (const std::string& text : wanted) {
    std::string name = cluster_name_of(ecs, ask, text);
    if (ask.refused()) return {};
    const Cluster* cluster = ecs.catalog.find_cluster(name);
    if (cluster != nullptr) {
      clusters.push_back(cluster_json(ecs, *cluster, include));
    } else {
      failures.push_back({missing_arn(ecs, text, "cluster/")});
    }
  }
  return {{"clusters", std::move(clusters)}, {"failures", failures_json(failures)}};
}

Json list_clusters(Ecs& ecs, Ask& ask) {
  std::vector<std::string> arns;
  for (const auto& [name, cluster] : ecs.catalog.clusters()) {
    if (cluster.active) arns.push_back(cluster_arn(ecs, name));
  }
  return render_page("clusterArns", page_of(ask, arns, kClusterBatchMax));
}

Json update_cluster(Ecs& ecs, Ask& ask) {
  auto insights = read_settings(ask);
  auto configuration = read_configuration(ask);
  auto service_connect = read_service_connect(ask);
  const Cluster* found = find_active(ecs, ask);
  if (ask.refused()) return {};
  Cluster cluster = *found;
  if (insights) cluster.settings_json = settings_text(*insights);
  if (configuration) cluster.configuration_json = *configuration;
  if (service_connect) cluster.service_connect_json = *service_connect;
  std::string name = cluster.name;
  ask.check(ecs.catalog.put(std::move(cluster)));
  return ask.refused() ? Json() : cluster_answer(ecs, name);
}

Json update_cluster_settings(Ecs& ecs, Ask& ask) {
  if (ask.objects("settings", kSettingsMax).empty()) ask.invalid("settings can not be empty.");
  return update_cluster(ecs, ask);
}

Json delete_cluster(Ecs& ecs, Ask& ask) {
  const Cluster* found = find_named(ecs, ask);
  if (ask.refused()) return {};
  std::string name = found->name;
  for (const scheduler::Service* service : services_of(ecs, name)) {
    if (service->status == scheduler::ServiceStatus::kInactive) continue;
    ask.refuse("ClusterContainsServicesException",
               "The Cluster cannot be deleted while Services are active.");
    return {};
  }
  for (const scheduler::Task* task : tasks_of(ecs, name)) {
    if (is_stopped(*task)) continue;
    ask.refuse("ClusterContainsTasksException",
               "The Cluster cannot be deleted while Tasks are active.");
    return {};
  }
  Cluster cluster = *found;
  cluster.active = false;
  cluster.node = {};
  ask.check(ecs.catalog.put(std::move(cluster)));
  return ask.refused() ? Json() : cluster_answer(ecs, name);
}

Json put_cluster_capacity_providers(Ecs& ecs, Ask& ask) {
  for (const char* key : {"capacityProviders", "defaultCapacityProviderStrategy"}) {
    if (!ask.has(key)) ask.invalid(fmt::format("{} can not be null.", key));
  }
  std::vector<std::string> providers = read_providers(ask);
  Strategy strategy = read_strategy(ask, "defaultCapacityProviderStrategy", providers);
  const Cluster* found = find_active(ecs, ask);
  if (ask.refused()) return {};
  if (has_other_providers(ecs, found->name, providers)) {
    ask.refuse("ResourceInUseException",
               "The specified capacity provider is in use and cannot be removed.");
    return {};
  }
  Cluster cluster = *found;
  std::string name = cluster.name;
  cluster.capacity_providers = std::move(providers);
  cluster.default_strategy_json = render_strategy(strategy);
  ask.check(ecs.catalog.put(std::move(cluster)));
  return ask.refused() ? Json() : cluster_answer(ecs, name);
}

Json describe_capacity_providers(Ecs& ecs, Ask& ask) {
  std::vector<std::string> wanted = ask.texts("capacityProviders", kClusterBatchMax);
  ask.includes("TAGS", {"TAGS"});
  bool all = wanted.empty();
  if (all) wanted = {"FARGATE", "FARGATE_SPOT"};
  std::vector<Failure> failures;
  std::vector<std::string> found;
  for (const std::string& text : wanted) {
    std::string resource = resource_of(ecs, ask, text);
    std::string name = resource.substr(resource.rfind('/') + 1);
    if (ask.refused()) return {};
    if (is_provider(name)) {
      found.push_back(name);
    } else {
      failures.push_back({missing_arn(ecs, text, "capacity-provider/")});
    }
  }
  Page page = page_of(ask, found, kProviderBatchMax);
  Json list = Json::array();
  for (const std::string& name : page.items) {
    list.push_back({{"capacityProviderArn", capacity_provider_arn(ecs, name)},
                    {"name", name},
                    {"status", "ACTIVE"},
                    {"tags", Json::array()},
                    {"type", name}});
  }
  Json answer = {{"capacityProviders", std::move(list)}, {"failures", failures_json(failures)}};
  if (!page.next_token.empty()) answer["nextToken"] = page.next_token;
  return answer;
}

}  // namespace berth::api::ecs
