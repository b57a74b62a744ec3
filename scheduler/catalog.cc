#include "scheduler/catalog.h"

#include "base/check.h"
#include "base/ids.h"
#include "base/text.h"
#include "scheduler/catalog_record.h"

#include <fmt/core.h>

#include <algorithm>

namespace berth::scheduler {
namespace {

constexpr const char* kClusterKind = "cluster";
constexpr const char* kFamilyKind = "family";
constexpr const char* kRevisionKind = "revision";
constexpr const char* kSettingKind = "setting";
constexpr const char* kNodeKind = "node";

std::string key_of(const Revision& revision) {
  return fmt::format("{}:{}", revision.family, revision.number);
}
std::string key_of(const AccountSetting& setting) {
  return setting.principal + " " + setting.name;
}

bool is_same(const AccountSetting& one, const AccountSetting& other) {
  return one.principal == other.principal && one.name == other.name;
}

}  // namespace

const char* name_of(RevisionStatus status) {
  switch (status) {
    case RevisionStatus::kActive:
      return "ACTIVE";
    case RevisionStatus::kInactive:
      return "INACTIVE";
    case RevisionStatus::kDeleteInProgress:
      return "DELETE_IN_PROGRESS";
  }
  return "";
}

Result<std::unique_ptr<Catalog>> Catalog::open(RecordStore& records, Rng& rng, WallTime now) {
  std::unique_ptr<Catalog> catalog(new Catalog(records));
  TRY(catalog->load());
  TRY(catalog->load_node(rng, now));
  if (catalog->find_cluster(kDefaultCluster) == nullptr) {
    TRY(catalog->put(
        Cluster{.name = kDefaultCluster, .capacity_providers = {"FARGATE", "FARGATE_SPOT"}}));
  }
  return catalog;
}

Status Catalog::load() {
  for (const Record& record : TRY(records_.read(kClusterKind))) {
    clusters_[record.key] = TRY(parse_cluster_record(record));
  }
  for (const Record& record : TRY(records_.read(kFamilyKind))) {
    auto number = parse_i64(record.body.value_or(""));
    if (!number) return fail(Errc::kCorrupt, "family {}: its record is no number", record.key);
    families_[record.key].last_number = *number;
  }
  for (const Record& record : TRY(records_.read(kRevisionKind))) {
    Revision revision = TRY(parse_revision_record(record));
    Family& family = families_[revision.family];
    family.revisions[revision.number] = std::move(revision);
  }
  for (const Record& record : TRY(records_.read(kSettingKind))) {
    settings_.push_back(TRY(parse_setting_record(record)));
  }
  return {};
}

// "<id> <nanoseconds since 1970>".
Status Catalog::load_node(Rng& rng, WallTime now) {
  for (const Record& record : TRY(records_.read(kNodeKind))) {
    std::vector<std::string> words = split(record.body.value_or(""), ' ');
    auto since = words.size() == 2 ? parse_i64(words[1]) : std::nullopt;
    if (!since) return fail(Errc::kCorrupt, "node: its record is no id and time");
    node_id_ = words[0];
    node_registered_at_ = WallTime(Duration(*since));
    return {};
  }
  node_id_ = make_task_id(rng);
  node_registered_at_ = now;
  return records_.write(
      {{kNodeKind, kNodeKind, fmt::format("{} {}", node_id_, now.time_since_epoch().count())}});
}

const Cluster* Catalog::find_cluster(const std::string& name) const {
  auto found = clusters_.find(name);
  return found == clusters_.end() ? nullptr : &found->second;
}

Status Catalog::put(Cluster cluster) {
  TRY(records_.write({{kClusterKind, cluster.name, render_record(cluster)}}));
  std::string name = cluster.name;
  clusters_.insert_or_assign(std::move(name), std::move(cluster));
  return {};
}

const Revision* Catalog::find_revision(const std::string& family, int64_t number) const {
  auto found = families_.find(family);
  if (found == families_.end()) return nullptr;
  auto revision = found->second.revisions.find(number);
  return revision == found->second.revisions.end() ? nullptr : &revision->second;
}

const Revision* Catalog::latest_revision(const std::string& family) const {
  auto found = families_.find(family);
  if (found == families_.end()) return nullptr;
  const Revisions& revisions = found->second.revisions;
  auto latest = std::find_if(revisions.rbegin(), revisions.rend(), [](const auto& entry) {
    return entry.second.status == RevisionStatus::kActive;
  });
  return latest == revisions.rend() ? nullptr : &latest->second;
}

Result<Revision> Catalog::add(Revision revision) {
  auto found = families_.find(revision.family);
  revision.number = found == families_.end() ? 1 : found->second.last_number + 1;
  TRY(records_.write({{kFamilyKind, revision.family, fmt::format("{}", revision.number)},
                      {kRevisionKind, key_of(revision), render_record(revision)}}));
  Family& family = families_[revision.family];
  family.last_number = revision.number;
  family.revisions[revision.number] = revision;
  return revision;
}

Status Catalog::put(Revision revision) {
  CHECK(find_revision(revision.family, revision.number) != nullptr);
  TRY(records_.write({{kRevisionKind, key_of(revision), render_record(revision)}}));
  Family& family = families_[revision.family];
  family.revisions[revision.number] = std::move(revision);
  return {};
}

Status Catalog::remove(const Revision& revision) {
  std::string family = revision.family;  // `revision` may be the one that goes
  int64_t number = revision.number;
  TRY(records_.write({{kRevisionKind, key_of(revision), std::nullopt}}));
  families_[family].revisions.erase(number);
  return {};
}

Status Catalog::put(AccountSetting setting) {
  TRY(records_.write({{kSettingKind, key_of(setting), render_record(setting)}}));
  std::erase_if(settings_, [&](const AccountSetting& each) { return is_same(each, setting); });
  settings_.push_back(std::move(setting));
  return {};
}

Status Catalog::remove(const AccountSetting& setting) {
  TRY(records_.write({{kSettingKind, key_of(setting), std::nullopt}}));
  std::erase_if(settings_,
                [gone = setting](const AccountSetting& each) { return is_same(each, gone); });
  return {};
}

}  // namespace berth::scheduler
