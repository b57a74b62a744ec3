// Task definitions: families of numbered revisions.
#include "api/ecs_page.h"
#include "api/ecs_placement.h"
#include "api/ecs_shapes.h"
#include "api/ecs_tags.h"
#include "base/text.h"
#include "scheduler/definition_defaults.h"
#include "scheduler/task_definition_parse.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>

namespace berth::api::ecs {
namespace {

using scheduler::Catalog;
using scheduler::Revision;
using scheduler::RevisionStatus;

constexpr size_t kListedMax = 100;
constexpr size_t kDeletedMax = 10;
constexpr size_t kDefinitionMax = 64 * 1024;  // bytes of a registered definition
// What is longer is beyond the limit whatever of it is not kept (tags, nulls): no rule is worth its
// time then, and each compares some names with others.
constexpr size_t kAskedMax = 4 * kDefinitionMax;

void check_definition_size(Ask& ask, size_t bytes, size_t max) {
  if (bytes <= max) return;
  ask.client_error(
      fmt::format("Actual length: '{}'. Max allowed length is '{}' bytes.", bytes, kDefinitionMax));
}

void check_room(const Ecs& ecs, Ask& ask, const std::string& family) {
  const auto& families = ecs.catalog.families();
  auto found = families.find(family);
  bool no_family = found == families.end() && families.size() >= scheduler::kFamiliesMax;
  bool no_revision =
      found != families.end() && found->second.revisions.size() >= scheduler::kRevisionsMax;
  if (no_family || no_revision) {
    ask.client_error(fmt::format("There are too many {}; delete some first.",
                                 no_family ? "families" : "revisions of the family"));
  }
}

Json revision_answer(const Ecs& ecs, const Revision& revision) {
  return {{"taskDefinition", revision_json(ecs, revision)}};
}

std::string asked_definition(Ask& ask) {
  std::string text = ask.text("taskDefinition");
  if (text.empty()) ask.invalid("Task Definition can not be blank.");
  return text;
}

// With a number that is one. Null: refused.
const Revision* find_numbered(const Ecs& ecs, Ask& ask) {
  RevisionName name = revision_name_of(ecs, ask, asked_definition(ask));
  if (ask.refused()) return nullptr;
  if (name.number.empty()) {
    ask.client_error("Revision is missing.");
    return nullptr;
  }
  if (!parse_u64(name.number)) {
    ask.client_error(
        fmt::format("Invalid revision number. Number: {}", printable(name.number, kNameShown)));
    return nullptr;
  }
  const Revision* revision = find_revision(ecs, name);
  if (revision == nullptr) {
    ask.client_error("Unable to describe task definition.");
  }
  return revision;
}

bool has_active(const Catalog::Family& family) {
  return std::any_of(family.revisions.begin(), family.revisions.end(), [](const auto& entry) {
    return entry.second.status == RevisionStatus::kActive;
  });
}

// Why a revision cannot be deleted; "" when it can.
const char* deletion_failure(const RevisionName& name, const Revision* revision) {
  if (name.number.empty() || !parse_u64(name.number)) {
    return "The specified task definition identifier is invalid. Specify a valid name or ARN and "
           "try again.";
  }
  if (revision == nullptr) {
    return "The specified task definition does not exist. Specify a valid account, family, "
           "revision and try again.";
  }
  if (revision->status == RevisionStatus::kActive) {
    return "The specified task definition is still in ACTIVE status. Please deregister the target "
           "and try again.";
  }
  return "";
}

}  // namespace

Json register_task_definition(Ecs& ecs, Ask& ask) {
  // The reader of files takes the output of DescribeTaskDefinition, too.
  if (ask.has("taskDefinition")) {
    ask.client_error("unknown field of RegisterTaskDefinition (taskDefinition)");
    return {};
  }
  check_definition_size(ask, ask.root().dump().size(), kAskedMax);
  if (ask.refused()) return {};
  auto parsed = scheduler::parse_task_definition(ask.root(), ecs.settings.architecture);
  ask.refuse_findings(parsed.findings);
  ask.refuse_findings(check_expressions(ask.root()));
  // A file of `berth run` need not say it.
  if (parsed.definition.requires_fargate() && !ask.has("networkMode")) {
    ask.client_error("Fargate only supports network mode ‘awsvpc’. (networkMode)");
  }
  if (auto tags = ask.root().find("tags"); tags && tags->dump() == "[]") {
    ask.client_error("Tags can not be empty.");
  }
  Revision revision;
  revision.tags = read_tags(ask, "tags");
  check_room(ecs, ask, parsed.definition.family);
  if (ask.refused()) return {};
  revision.family = parsed.definition.family;
  revision.definition_json = scheduler::with_defaults(ask.root());
  revision.registered_by = ask.call().caller.arn;
  revision.registered_at = ask.at();
  check_definition_size(ask, revision.definition_json.size(), kDefinitionMax);
  if (ask.refused()) return {};
  auto added = ecs.catalog.add(std::move(revision));
  if (!added) {
    ask.check(tl::unexpected<Error>(std::move(added).error()));
    return {};
  }
  Json answer = revision_answer(ecs, *added);
  if (!added->tags.empty()) answer["tags"] = tags_json(added->tags);
  return answer;
}

Json describe_task_definition(Ecs& ecs, Ask& ask) {
  bool with_tags = ask.includes("TAGS", {"TAGS"});
  RevisionName name = revision_name_of(ecs, ask, asked_definition(ask));
  if (ask.refused()) return {};
  const Revision* revision = find_revision(ecs, name);
  if (revision == nullptr) {
    ask.client_error("Unable to describe task definition.");
    return {};
  }
  Json answer = revision_answer(ecs, *revision);
  answer["tags"] = with_tags ? tags_json(revision->tags) : Json::array();
  return answer;
}

Json list_task_definitions(Ecs& ecs, Ask& ask) {
  std::string family = ask.text("familyPrefix");
  std::string status = ask.word("status", {"ACTIVE", "INACTIVE", "DELETE_IN_PROGRESS"});
  std::string order = ask.word("sort", {"ASC", "DESC"});
  if (status.empty()) status = "ACTIVE";
  std::vector<std::string> arns;
  for (const auto& [name, each] : ecs.catalog.families()) {
    if (!family.empty() && name != family) continue;
    for (const auto& [number, revision] : each.revisions) {
      if (status == name_of(revision.status)) arns.push_back(revision_arn(ecs, name, number));
    }
  }
  if (order == "DESC") std::reverse(arns.begin(), arns.end());
  return render_page("taskDefinitionArns", page_of(ask, arns, kListedMax));
}

Json list_task_definition_families(Ecs& ecs, Ask& ask) {
  std::string prefix = ask.text("familyPrefix");
  std::string status = ask.word("status", {"ACTIVE", "INACTIVE", "ALL"});
  std::vector<std::string> names;
  for (const auto& [name, family] : ecs.catalog.families()) {
    if (!name.starts_with(prefix) || family.revisions.empty()) continue;
    bool wanted = status.empty() || status == "ALL" || (status == "ACTIVE") == has_active(family);
    if (wanted) names.push_back(name);
  }
  return render_page("families", page_of(ask, names, kListedMax));
}

Json deregister_task_definition(Ecs& ecs, Ask& ask) {
  const Revision* found = find_numbered(ecs, ask);
  if (ask.refused()) return {};
  if (found->status != RevisionStatus::kActive) return revision_answer(ecs, *found);
  Revision revision = *found;
  revision.status = RevisionStatus::kInactive;
  revision.deregistered_at = ask.at();
  ask.check(ecs.catalog.put(revision));
  return ask.refused() ? Json() : revision_answer(ecs, revision);
}

Json delete_task_definitions(Ecs& ecs, Ask& ask) {
  std::vector<std::string> wanted = ask.texts("taskDefinitions", kListedMax);
  if (wanted.empty()) {
    ask.invalid("Size of TaskDefinition references list must be greater than 0");
  }
  if (wanted.size() > kDeletedMax) {
    ask.invalid("Size of TaskDefinition references list cannot exceed 10");
  }
  if (ask.refused()) return {};
  Json deleted = Json::array();
  std::vector<Failure> failures;
  for (const std::string& text : wanted) {
    RevisionName name = revision_name_of(ecs, ask, text);
    if (ask.refused()) return {};
    const Revision* found = find_revision(ecs, name);
    std::string why = deletion_failure(name, found);
    if (!why.empty()) {
      failures.push_back({missing_arn(ecs, text, "task-definition/"), why});
      continue;
    }
    Revision revision = *found;
    if (revision.status == RevisionStatus::kInactive) {
      revision.status = RevisionStatus::kDeleteInProgress;
      revision.delete_requested_at = ask.at();
      ask.check(ecs.catalog.put(revision));
    }
    deleted.push_back(revision_json(ecs, revision));
  }
  return {{"taskDefinitions", std::move(deleted)}, {"failures", failures_json(failures)}};
}

}  // namespace berth::api::ecs
