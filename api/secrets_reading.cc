// Secrets read: their values, what is known of them, lists.
#include "api/page.h"
#include "api/secrets_operations.h"
#include "base/text.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>

namespace berth::api::sm {
namespace {

constexpr size_t kSecretPageMax = 100;
constexpr size_t kBatchMax = 20;

Json tags_json(const secrets::StoredSecret& secret) {
  Json tags = Json::array();
  for (const auto& [name, value] : secret.tags) tags.push_back({{"Key", name}, {"Value", value}});
  return tags;
}

// What DescribeSecret and ListSecrets have in common.
Json description_json(const Secrets& secrets, const secrets::StoredSecret& secret,
                      const char* stages_member) {
  Json json = secret_json(secrets, secret);
  for (const auto& [attribute, member] :
       {std::pair("description", "Description"), std::pair("kmsKeyId", "KmsKeyId")}) {
    auto found = secret.attributes.find(attribute);
    if (found != secret.attributes.end()) json[member] = found->second;
  }
  json["LastChangedDate"] = seconds_of(secret.changed_at);
  json["CreatedDate"] = seconds_of(secret.created_at);
  if (secret.is_deleted()) json["DeletedDate"] = seconds_of(secret.purged_at);
  add_accessed(json, secret.attributes);
  // None at all of what never had any.
  bool had_tags = secret.attributes.contains(kUntagged);
  if (had_tags || !secret.tags.empty()) json["Tags"] = tags_json(secret);
  Json stages = Json::object();
  for (const secrets::SecretVersion& version : secret.versions) {
    if (!version.stages.empty()) stages[version.id] = version.stages;
  }
  if (!stages.empty()) json[stages_member] = std::move(stages);
  return json;
}

const secrets::SecretVersion* find_wanted(Ask& ask, const secrets::StoredSecret& secret) {
  std::string id = ask.text("VersionId");
  std::string stage = ask.text("VersionStage");
  const secrets::SecretVersion* version =
      secrets::choose_version(secret, {.stage = stage, .id = id});
  if (version != nullptr) return version;
  if (!id.empty() && !stage.empty() && secret.find_version(id) != nullptr) {
    ask.refuse("InvalidRequestException",
               "You provided a VersionStage that is not associated to the provided VersionId.");
  }
  std::string which =
      !id.empty()
          ? "VersionId: " + id
          : "staging label: " + (stage.empty() ? std::string(secrets::kStageCurrent) : stage);
  ask.refuse("ResourceNotFoundException",
             "Secrets Manager can't find the specified secret value for " + which);
  return nullptr;
}

}  // namespace

Json get_secret_value(Secrets& secrets, Ask& ask) {
  auto secret = find_secret(secrets, ask, ask.required_text("SecretId"));
  if (!secret) return {};
  if (secret->is_deleted()) refuse_marked(ask);
  const secrets::SecretVersion* version = find_wanted(ask, *secret);
  return ask.refused() ? Json() : value_json(secrets, ask, *secret, *version);
}

Json batch_get_secret_value(Secrets& secrets, Ask& ask) {
  std::vector<std::string> ids = ask.texts("SecretIdList", kBatchMax);
  SecretFilter filter = read_filters(ask);
  if (ids.empty() == !ask.has("Filters")) {
    ask.invalid("Either 'SecretIdList' or 'Filters' must be provided, but not both.");
  }
  if (ask.has("MaxResults") && !ask.has("Filters")) {
    ask.invalid(
        "'Filters' not specified. 'Filters' must also be specified when 'MaxResults' is provided.");
  }
  if (ask.refused()) return {};
  Json values = Json::array();
  Json errors = Json::array();
  auto add = [&](const std::string& id) {
    Ask one(ask.call(), ask.root(), kSecretsFaults);  // its refusal is one of the errors
    auto secret = find_secret(secrets, one, id);
    if (secret && secret->is_deleted()) refuse_marked(one);
    const auto* version = one.refused() ? nullptr : secrets::choose_version(*secret, {});
    if (!one.refused() && version == nullptr) {
      one.refuse("ResourceNotFoundException",
                 "Secrets Manager can't find the specified secret value for staging label: "
                 "AWSCURRENT");
    }
    Json value = one.refused() ? Json() : value_json(secrets, one, *secret, *version);
    if (!one.refused()) return values.push_back(std::move(value));
    errors.push_back(
        {{"SecretId", id}, {"ErrorCode", one.refusal().code}, {"Message", one.refusal().message}});
  };
  for (const std::string& id : ids) add(id);
  Json json;
  if (ids.empty()) {
    std::vector<std::string> names;
    for (const auto& secret : ask.checked(secrets.store.list(secrets.now))) {
      bool is_wanted = secret.name.kind == secrets::SecretKind::kSecret && !secret.is_deleted() &&
                       filter(secret);
      if (is_wanted) names.push_back(secret.name.name);
    }
    Page page = page_of(ask, names,
                        {.limit = "MaxResults",
                         .token = "NextToken",
                         .token_fault = "InvalidNextTokenException",
                         .max = kBatchMax});
    for (const std::string& name : page.items) add(name);
    if (!page.next_token.empty()) json["NextToken"] = page.next_token;
  }
  json["SecretValues"] = std::move(values);
  json["Errors"] = std::move(errors);
  return json;
}

Json describe_secret(Secrets& secrets, Ask& ask) {
  auto secret = find_secret(secrets, ask, ask.required_text("SecretId"));
  if (!secret) return {};
  return description_json(secrets, *secret, "VersionIdsToStages");
}

Json list_secrets(Secrets& secrets, Ask& ask) {
  SecretFilter filter = read_filters(ask);
  bool with_deleted = ask.flag("IncludePlannedDeletion");
  bool is_descending = ask.word("SortOrder", {"asc", "desc"}) != "asc";
  std::string sort_by =
      ask.word("SortBy", {"created-date", "last-accessed-date", "last-changed-date", "name"});
  std::map<std::string, secrets::StoredSecret> found;
  std::vector<std::string> names;
  for (auto& secret : ask.checked(secrets.store.list(secrets.now))) {
    bool is_wanted = secret.name.kind == secrets::SecretKind::kSecret &&
                     (with_deleted || !secret.is_deleted()) && filter(secret);
    if (!is_wanted) continue;
    names.push_back(secret.name.name);
    found.emplace(names.back(), std::move(secret));
  }
  std::ranges::stable_sort(names, {}, [&](const std::string& name) -> std::string {
    const secrets::StoredSecret& secret = found.at(name);
    if (sort_by == "last-accessed-date") {
      auto day = secret.attributes.find(secrets::kAccessedDay);
      return day == secret.attributes.end() ? "" : day->second;
    }
    return sort_by == "name"                ? secret.name.name
           : sort_by == "last-changed-date" ? secret.changed_at
                                            : secret.created_at;
  });
  if (is_descending) std::ranges::reverse(names);
  Page page = page_of(ask, names,
                      {.limit = "MaxResults",
                       .token = "NextToken",
                       .token_fault = "InvalidNextTokenException",
                       .max = kSecretPageMax});
  Json list = Json::array();
  for (const std::string& name : page.items) {
    list.push_back(description_json(secrets, found.at(name), "SecretVersionsToStages"));
  }
  Json json = {{"SecretList", std::move(list)}};
  if (!page.next_token.empty()) json["NextToken"] = page.next_token;
  return json;
}

Json list_secret_version_ids(Secrets& secrets, Ask& ask) {
  bool with_deprecated = ask.flag("IncludeDeprecated");
  auto secret = find_secret(secrets, ask, ask.required_text("SecretId"));
  if (!secret) return {};
  std::vector<std::string> ids;
  for (const secrets::SecretVersion& version : secret->versions) {
    if (with_deprecated || !version.stages.empty()) ids.push_back(version.id);
  }
  Page page = page_of(ask, ids,
                      {.limit = "MaxResults",
                       .token = "NextToken",
                       .token_fault = "InvalidNextTokenException",
                       .max = kSecretPageMax});
  auto key_id = secret->attributes.find("kmsKeyId");
  std::string key = key_id == secret->attributes.end() ? "DefaultEncryptionKey" : key_id->second;
  Json versions = Json::array();
  for (const std::string& id : page.items) {
    const secrets::SecretVersion* version = secret->find_version(id);
    Json json = {{"VersionId", id}};
    if (!version->stages.empty()) json["VersionStages"] = version->stages;
    json["CreatedDate"] = seconds_of(version->created_at);
    add_accessed(json, version->attributes);
    json["KmsKeyIds"] = Json::array({key});
    versions.push_back(std::move(json));
  }
  Json json = secret_json(secrets, *secret);
  json["Versions"] = std::move(versions);
  if (!page.next_token.empty()) json["NextToken"] = page.next_token;
  return json;
}

}  // namespace berth::api::sm
