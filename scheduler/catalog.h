// Catalog: what ECS keeps beside tasks: clusters, task definitions, account settings, and this node
// as a container instance. Values in memory; each change is written to the records first.
//
//   record kind   key                body
//   cluster       its name           a Cluster
//   family        its name           the highest revision that was ever given out
//   revision      "family:number"    a Revision
//   setting       "principal name"   an AccountSetting
//   node          "node"             the id that this host has as container instance, and since
//   when
#pragma once

#include "base/env.h"
#include "base/result.h"
#include "scheduler/record_store.h"
#include "scheduler/task_definition.h"
#include "scheduler/task_request.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace berth::scheduler {

constexpr size_t kClustersMax = 1000;
constexpr size_t kFamiliesMax = 10000;
constexpr size_t kRevisionsMax = 10000;  // that a family has at a time

// This host as a container instance of one cluster: it is one of each.
struct Membership {
  bool draining = false;
  std::vector<KeyValue> attributes{};  // those that users put; values may be empty
  std::vector<KeyValue> tags{};
  bool operator==(const Membership&) const = default;
};

// Members that only go in and out again are kept as JSON; "" for none.
struct Cluster {
  std::string name{};
  bool active = true;
  std::vector<std::string> capacity_providers{};
  std::string default_strategy_json{};
  std::string settings_json{};
  std::string configuration_json{};
  std::string service_connect_json{};
  std::vector<KeyValue> tags{};
  Membership node{};
  bool operator==(const Cluster&) const = default;
};

enum class RevisionStatus : uint8_t { kActive, kInactive, kDeleteInProgress };
// "ACTIVE".
const char* name_of(RevisionStatus status);

// A task definition as it is registered. Its number is never given to another one.
struct Revision {
  std::string family{};
  int64_t number = 0;
  RevisionStatus status = RevisionStatus::kActive;
  std::string definition_json{};  // with AWS's defaults, without tags
  std::vector<KeyValue> tags{};
  std::string registered_by{};
  WallTime registered_at{};
  std::optional<WallTime> deregistered_at{};
  std::optional<WallTime> delete_requested_at{};
  bool operator==(const Revision&) const = default;
};

struct AccountSetting {
  std::string principal{};  // an ARN; "" for the account's default
  std::string name{};
  std::string value{};
  bool operator==(const AccountSetting&) const = default;
};

class Catalog {
 public:
  using Revisions = std::map<int64_t, Revision>;
  struct Family {
    int64_t last_number = 0;
    Revisions revisions{};
  };

  // Borrows `records`. A new catalog has the cluster `default` and an id for this node.
  static Result<std::unique_ptr<Catalog>> open(RecordStore& records, Rng& rng, WallTime now);

  const std::map<std::string, Cluster>& clusters() const { return clusters_; }
  // Null when there is none of that name, whatever its status.
  const Cluster* find_cluster(const std::string& name) const;
  Status put(Cluster cluster);

  const std::map<std::string, Family>& families() const { return families_; }
  const Revision* find_revision(const std::string& family, int64_t number) const;
  // The latest that is ACTIVE.
  const Revision* latest_revision(const std::string& family) const;
  // Gives it the next number of its family, and returns it.
  Result<Revision> add(Revision revision);
  // One that is there, changed.
  Status put(Revision revision);
  Status remove(const Revision& revision);

  const std::vector<AccountSetting>& settings() const { return settings_; }
  Status put(AccountSetting setting);
  Status remove(const AccountSetting& setting);

  const std::string& node_id() const { return node_id_; }
  WallTime node_registered_at() const { return node_registered_at_; }

 private:
  explicit Catalog(RecordStore& records) : records_(records) {}
  Status load();
  Status load_node(Rng& rng, WallTime now);

  RecordStore& records_;
  std::map<std::string, Cluster> clusters_;
  std::map<std::string, Family> families_;
  std::vector<AccountSetting> settings_;
  std::string node_id_;
  WallTime node_registered_at_{};
};

}  // namespace berth::scheduler
