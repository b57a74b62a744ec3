// Groups of CloudWatch Logs: made, listed, kept for so long, tagged, removed.
#include "api/logs_operations.h"
#include "api/page.h"
#include "api/tags.h"
#include "base/text.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <optional>

namespace berth::api::cwl {
namespace {

constexpr int64_t kDayNumberMax = 1000000;
constexpr size_t kGroupPageMax = 50;
constexpr size_t kNameMax = 512;
constexpr size_t kPatternsMax = 5;
constexpr size_t kListedMax = 1000;
constexpr size_t kIdentifiersMax = 50;

void check_group_name(Ask& ask, const std::string& name) {
  check_length(ask, name);
  if (!ask.refused()) check(ask, logs::check_log_group_name(name));
}

// "arn:...:log-group:NAME" and ":*" behind it, or NAME.
std::string name_in(const Logs& logs, Ask& ask, const std::string& identifier) {
  if (!identifier.starts_with("arn:")) return identifier;
  if (!identifier.starts_with(logs.arn_prefix)) {
    ask.refuse("ResourceNotFoundException", "The specified log group does not exist.");
    return "";
  }
  std::string name = identifier.substr(logs.arn_prefix.size());
  if (name.ends_with(":*")) name.resize(name.size() - 2);
  return name;
}

// Of the two ARNs that a group has the one without ":*", or its name.
void check_identifier(Ask& ask, std::string_view identifier) {
  constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_#+=/:,.@-";
  if (identifier.find_first_not_of(kLetters) == std::string_view::npos) return;
  ask.invalid(
      "1 validation error detected: Value at 'logGroupIdentifier' failed to satisfy constraint: "
      "Member must satisfy regular expression pattern: [\\w#+=/:,.@-]*");
}

std::optional<logs::LogGroup> find_group(const Logs& logs, Ask& ask, const std::string& name) {
  if (ask.refused()) return std::nullopt;
  auto group = logs.store().find_group(name);
  if (group) return *group;
  refuse_error(ask, group.error());
  return std::nullopt;
}

uint64_t bytes_of(const Logs& logs, Ask& ask, const logs::LogGroup& group) {
  uint64_t bytes = 0;
  for (const auto& stream : ask.checked(logs.store().list_streams(group.name, ""))) {
    bytes += stream.stored_bytes;
  }
  return bytes;
}

// `is_short`: as one that was found by a pattern is told.
Json group_json(const Logs& logs, Ask& ask, const logs::LogGroup& group, bool is_short) {
  std::string arn = logs.arn_prefix + group.name;
  Json json = {{"logGroupName", group.name}, {"creationTime", group.creation_time_ms}};
  if (group.retention_days) json["retentionInDays"] = *group.retention_days;
  json["metricFilterCount"] = 0;
  json["arn"] = arn + ":*";
  if (!is_short) {
    json["storedBytes"] = bytes_of(logs, ask, group);
    json["deletionProtectionEnabled"] = false;
  }
  json["logGroupClass"] = "STANDARD";
  json["logGroupArn"] = arn;
  return json;
}

Json tag_group(Logs& logs, Ask& ask, const std::string& name) {
  auto added = read_tag_map(ask, "tags");
  if (added.empty()) ask.invalid("tags can not be empty.");
  auto group = find_group(logs, ask, name);
  if (!group) return {};
  for (auto& [key, value] : added) group->tags[key] = value;
  if (group->tags.size() > kTagsMax) {
    ask.refuse("TooManyTagsException",
               fmt::format("A resource can have at most {} tags.", kTagsMax));
  }
  if (!ask.refused()) check(ask, logs.store().update_group(*group));
  return Json::object();
}

Json untag_group(Logs& logs, Ask& ask, const std::string& name, std::string_view keys_member) {
  std::vector<std::string> keys = ask.texts(keys_member, kTagsMax);
  auto group = find_group(logs, ask, name);
  if (!group) return {};
  for (const std::string& key : keys) group->tags.erase(key);
  check(ask, logs.store().update_group(*group));
  return Json::object();
}

Json list_group_tags(Logs& logs, Ask& ask, const std::string& name) {
  auto group = find_group(logs, ask, name);
  Json tags = Json::object();
  if (group) tags = group->tags;
  return {{"tags", std::move(tags)}};
}

std::string tagged_group(const Logs& logs, Ask& ask) {
  std::string arn = ask.required_text("resourceArn");
  if (!ask.refused() && !arn.starts_with("arn:")) ask.invalid("resourceArn must be an ARN.");
  return name_in(logs, ask, arn);
}

}  // namespace

void check_length(Ask& ask, const std::string& name) {
  if (characters_of(name) <= kNameMax) return;
  ask.invalid(fmt::format(
      "Invalid LogGroup or LogStream, both must have length less than or equal to {}.", kNameMax));
}

std::string group_name_of(const Logs&, Ask& ask) {
  std::string name = ask.required_text("logGroupName");
  check_group_name(ask, name);
  return name;
}

std::string group_named(const Logs& logs, Ask& ask, const std::string& identifier) {
  std::string group = name_in(logs, ask, identifier);
  check_group_name(ask, group);
  return group;
}

std::string group_identified(const Logs& logs, Ask& ask) {
  std::string name = ask.text("logGroupName");
  std::string identifier = ask.text("logGroupIdentifier");
  check_identifier(ask, identifier);
  if (!name.empty() && !identifier.empty()) {
    ask.refuse("ValidationException",
               "LogGroup name and LogGroup ARN are mutually exclusive parameters.");
  }
  if (name.empty() && identifier.empty()) {
    ask.invalid("Exactly one of logGroupName and logGroupIdentifier must be given.");
  }
  std::string group = identifier.empty() ? name : name_in(logs, ask, identifier);
  check_group_name(ask, group);
  return group;
}

Json create_log_group(Logs& logs, Ask& ask) {
  logs::LogGroup group;
  group.name = group_name_of(logs, ask);
  group.tags = read_tag_map(ask, "tags");
  group.creation_time_ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(logs.now.time_since_epoch()).count();
  std::string group_class =
      ask.word("logGroupClass", {"STANDARD", "INFREQUENT_ACCESS", "DELIVERY"});
  if (!group_class.empty() && group_class != "STANDARD") {
    ask.invalid(fmt::format("logGroupClass {}: berth has the class STANDARD only.", group_class));
  }
  if (!ask.text("kmsKeyId").empty()) {
    ask.invalid("kmsKeyId: berth does not encrypt log groups with keys of KMS; leave it out.");
  }
  if (ask.refused()) return {};
  auto made = logs.store().create_group(group);
  if (!made && made.error().code == Errc::kExists) {
    ask.refuse("ResourceAlreadyExistsException", "The specified log group already exists");
  }
  check(ask, made);
  return Json::object();
}

Json delete_log_group(Logs& logs, Ask& ask) {
  std::string name = group_name_of(logs, ask);
  if (!ask.refused()) check(ask, logs.store().delete_group(name));
  return Json::object();
}

Json describe_log_groups(Logs& logs, Ask& ask) {
  std::string prefix = ask.text("logGroupNamePrefix");
  std::string pattern = ask.text("logGroupNamePattern");
  std::vector<std::string> wanted = ask.texts("logGroupIdentifiers", kIdentifiersMax);
  std::string group_class =
      ask.word("logGroupClass", {"STANDARD", "INFREQUENT_ACCESS", "DELIVERY"});
  if (!prefix.empty() && !pattern.empty()) {
    ask.invalid(
        "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.");
  }
  for (std::string& each : wanted) each = name_in(logs, ask, each);
  std::vector<std::string> names;
  for (const logs::LogGroup& group : ask.checked(logs.store().list_groups(prefix))) {
    bool is_wanted = wanted.empty() || std::ranges::find(wanted, group.name) != wanted.end();
    // In any case of its letters.
    bool has_pattern = to_lower(group.name).find(to_lower(pattern)) != std::string::npos;
    bool has_class = group_class.empty() || group_class == "STANDARD";
    if (is_wanted && has_pattern && has_class) names.push_back(group.name);
  }
  Page page = page_of(ask, names, {.limit = "limit", .max = kGroupPageMax});
  Json groups = Json::array();
  for (const std::string& name : page.items) {
    auto group = logs.store().find_group(name);
    if (group) groups.push_back(group_json(logs, ask, *group, !pattern.empty()));
  }
  Json json = {{"logGroups", std::move(groups)}};
  if (!page.next_token.empty()) json["nextToken"] = page.next_token;
  return json;
}

Json list_log_groups(Logs& logs, Ask& ask) {
  std::string pattern_text = ask.text("logGroupNamePattern");
  std::vector<std::string> patterns = split(pattern_text, '|');
  std::string group_class =
      ask.word("logGroupClass", {"STANDARD", "INFREQUENT_ACCESS", "DELIVERY"});
  if (patterns.size() > kPatternsMax) {
    ask.invalid(fmt::format("logGroupNamePattern: has at most {} patterns.", kPatternsMax));
  }
  std::erase_if(patterns, [](const std::string& each) { return each.empty() || each == "^"; });
  std::vector<std::string> names;
  for (const logs::LogGroup& group : ask.checked(logs.store().list_groups(""))) {
    bool is_wanted =
        pattern_text.empty() || std::ranges::any_of(patterns, [&](const auto& pattern) {
          return pattern.starts_with('^') ? group.name.starts_with(pattern.substr(1))
                                          : group.name.find(pattern) != std::string::npos;
        });
    bool has_class = group_class.empty() || group_class == "STANDARD";
    if (is_wanted && has_class) names.push_back(group.name);
  }
  Page page = page_of(ask, names, {.limit = "limit", .max = kListedMax});
  Json groups = Json::array();
  for (const std::string& name : page.items) {
    groups.push_back({{"logGroupName", name},
                      {"logGroupArn", logs.arn_prefix + name},
                      {"logGroupClass", "STANDARD"}});
  }
  Json json = {{"logGroups", std::move(groups)}};
  if (!page.next_token.empty()) json["nextToken"] = page.next_token;
  return json;
}

Json put_retention_policy(Logs& logs, Ask& ask) {
  std::string name = group_name_of(logs, ask);
  auto days = ask.number("retentionInDays", {0, kDayNumberMax});
  if (!days) ask.invalid("retentionInDays can not be null.");
  if (days && !logs::is_log_retention(*days)) {
    ask.invalid(
        fmt::format("retentionInDays {}: must be one of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, "
                    "365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653.",
                    *days));
  }
  if (ask.refused()) return {};
  check(ask, logs.store().set_retention(name, days));
  if (!ask.refused()) check(ask, logs.store().expire(logs.now));
  return Json::object();
}

Json delete_retention_policy(Logs& logs, Ask& ask) {
  std::string name = group_name_of(logs, ask);
  if (!ask.refused()) check(ask, logs.store().set_retention(name, std::nullopt));
  return Json::object();
}

Json tag_log_group(Logs& logs, Ask& ask) {
  return tag_group(logs, ask, group_name_of(logs, ask));
}
Json untag_log_group(Logs& logs, Ask& ask) {
  return untag_group(logs, ask, group_name_of(logs, ask), "tags");
}
Json list_tags_log_group(Logs& logs, Ask& ask) {
  return list_group_tags(logs, ask, group_name_of(logs, ask));
}

Json tag_resource(Logs& logs, Ask& ask) {
  return tag_group(logs, ask, tagged_group(logs, ask));
}
Json untag_resource(Logs& logs, Ask& ask) {
  return untag_group(logs, ask, tagged_group(logs, ask), "tagKeys");
}
Json list_tags_for_resource(Logs& logs, Ask& ask) {
  return list_group_tags(logs, ask, tagged_group(logs, ask));
}

}  // namespace berth::api::cwl
