#include "scheduler/catalog_record.h"

#include "base/json.h"
#include "scheduler/record_values.h"

#include <nlohmann/json.hpp>

#include <array>

namespace berth::scheduler {
namespace {

using CatalogJson = nlohmann::ordered_json;

Result<RevisionStatus> read_status(const json::Node& node) {
  std::string word = TRY(node.string_at("status"));
  for (auto status :
       {RevisionStatus::kActive, RevisionStatus::kInactive, RevisionStatus::kDeleteInProgress}) {
    if (word == name_of(status)) return status;
  }
  return fail(Errc::kCorrupt, "status: unknown word '{}'", word);
}

Result<Cluster> read_cluster(const json::Node& root) {
  Cluster cluster;
  cluster.name = TRY(root.string_at("name"));
  cluster.active = TRY(root.find_bool("active")).value_or(false);
  cluster.capacity_providers = TRY(root.find_strings("capacityProviders"));
  cluster.default_strategy_json = TRY(root.string_at("defaultStrategy"));
  cluster.settings_json = TRY(root.string_at("settings"));
  cluster.configuration_json = TRY(root.string_at("configuration"));
  cluster.service_connect_json = TRY(root.string_at("serviceConnect"));
  cluster.tags = TRY(read_pairs(root, "tags"));
  cluster.node.draining = TRY(root.find_bool("nodeDraining")).value_or(false);
  cluster.node.attributes = TRY(read_pairs(root, "nodeAttributes"));
  cluster.node.tags = TRY(read_pairs(root, "nodeTags"));
  return cluster;
}

Result<Revision> read_revision(const json::Node& root) {
  Revision revision;
  revision.family = TRY(root.string_at("family"));
  revision.number = TRY(root.i64_at("number"));
  revision.status = TRY(read_status(root));
  revision.definition_json = TRY(root.string_at("definition"));
  revision.tags = TRY(read_pairs(root, "tags"));
  revision.registered_by = TRY(root.string_at("registeredBy"));
  revision.registered_at = WallTime(Duration(TRY(root.i64_at("registeredAt"))));
  revision.deregistered_at = TRY(find_time(root, "deregisteredAt"));
  revision.delete_requested_at = TRY(find_time(root, "deleteRequestedAt"));
  return revision;
}

Result<AccountSetting> read_setting(const json::Node& root) {
  AccountSetting setting;
  setting.principal = TRY(root.string_at("principal"));
  setting.name = TRY(root.string_at("name"));
  setting.value = TRY(root.string_at("value"));
  return setting;
}

}  // namespace

std::string render_record(const Cluster& cluster) {
  return record_text({{"name", cluster.name},
                      {"active", cluster.active},
                      {"capacityProviders", cluster.capacity_providers},
                      {"defaultStrategy", cluster.default_strategy_json},
                      {"settings", cluster.settings_json},
                      {"configuration", cluster.configuration_json},
                      {"serviceConnect", cluster.service_connect_json},
                      {"tags", pairs_json(cluster.tags)},
                      {"nodeDraining", cluster.node.draining},
                      {"nodeAttributes", pairs_json(cluster.node.attributes)},
                      {"nodeTags", pairs_json(cluster.node.tags)}});
}

std::string render_record(const Revision& revision) {
  CatalogJson json = {{"family", revision.family},
                      {"number", revision.number},
                      {"status", name_of(revision.status)},
                      {"definition", revision.definition_json},
                      {"tags", pairs_json(revision.tags)},
                      {"registeredBy", revision.registered_by},
                      {"registeredAt", revision.registered_at.time_since_epoch().count()}};
  auto put_time = [&](const char* key, const std::optional<WallTime>& time) {
    if (time) json[key] = time->time_since_epoch().count();
  };
  put_time("deregisteredAt", revision.deregistered_at);
  put_time("deleteRequestedAt", revision.delete_requested_at);
  return record_text(json);
}

std::string render_record(const AccountSetting& setting) {
  return record_text(
      {{"principal", setting.principal}, {"name", setting.name}, {"value", setting.value}});
}

Result<Cluster> parse_cluster_record(const Record& record) {
  return read_record(record, read_cluster);
}
Result<Revision> parse_revision_record(const Record& record) {
  return read_record(record, read_revision);
}
Result<AccountSetting> parse_setting_record(const Record& record) {
  return read_record(record, read_setting);
}

}  // namespace berth::scheduler
