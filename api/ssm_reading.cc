// Parameters read: by name, by path, their history, lists.
#include "api/page.h"
#include "api/ssm_operations.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <set>

namespace berth::api::ssm {
namespace {

constexpr size_t kNamesMax = 10;
constexpr size_t kPathPageMax = 10;
constexpr size_t kListPageMax = 50;

PageMembers page_members(size_t max) {
  return {
      .limit = "MaxResults", .token = "NextToken", .token_fault = "InvalidNextToken", .max = max};
}

struct Wanting {
  bool is_decrypted = false;
  std::string selector;
  std::string name{};  // as it was asked for, "" for as it was put
};

// "/a" of "a" is told as "/a"; by an ARN as it was put.
std::string asked_name(const std::string& text, const Selected& selected) {
  return text.starts_with("arn:") ? "" : selected.name;
}

Json parameter_json(const Parameters& parameters, Ask& ask, const secrets::StoredSecret& parameter,
                    const secrets::SecretVersion& version, const Wanting& wanting) {
  Json json = {{"Name", wanting.name.empty() ? parameter.name.name : wanting.name},
               {"Type", attribute_of(version, "type")},
               {"Value", value_of(parameters, ask, parameter, version, wanting.is_decrypted)},
               {"Version", version.number}};
  if (!wanting.selector.empty()) json["Selector"] = wanting.selector;
  json["LastModifiedDate"] = seconds_of_version(version);
  json["ARN"] = arn_of(parameters, parameter);
  json["DataType"] = attribute_of(version, "dataType");
  return json;
}

// What describing and history have in common.
Json metadata_json(const secrets::StoredSecret& parameter, const secrets::SecretVersion& version) {
  Json json = {{"Name", parameter.name.name}, {"Type", attribute_of(version, "type")}};
  for (const auto& [attribute, member] :
       {std::pair("keyId", "KeyId"), std::pair("user", "LastModifiedUser"),
        std::pair("description", "Description"), std::pair("pattern", "AllowedPattern")}) {
    std::string value = attribute_of(version, attribute);
    if (!value.empty()) json[member] = value;
  }
  json["LastModifiedDate"] = seconds_of_version(version);
  json["Version"] = version.number;
  json["Tier"] = attribute_of(version, "tier");
  json["Policies"] = Json::array();
  json["DataType"] = attribute_of(version, "dataType");
  return json;
}

}  // namespace

Json get_parameter(Parameters& parameters, Ask& ask) {
  std::string text = ask.required_text("Name");
  Selected selected = parse_selected(parameters, text);
  bool is_decrypted = ask.flag("WithDecryption");
  check_asked_name(ask, text);
  if (ask.refused()) return {};
  if (is_reference(text)) {
    auto secret = referenced_secret(parameters, ask, text, is_decrypted);
    if (secret) return {{"Parameter", std::move(*secret)}};
    ask.refuse(
        "ParameterNotFound",
        fmt::format("An error occurred (ParameterNotFound) when referencing Secrets Manager: "
                    "Secret {} not found.",
                    text));
    return {};
  }
  auto parameter = find_parameter(parameters, ask, selected.name);
  if (!parameter) return {};
  const secrets::SecretVersion* version = secrets::choose_version(*parameter, selected.wanted);
  if (version == nullptr) {
    ask.refuse("ParameterVersionNotFound",
               fmt::format("Systems Manager could not find version {} of {}. Verify the version "
                           "and try again.",
                           selected.selector.substr(1), selected.name));
    return {};
  }
  return {
      {"Parameter", parameter_json(parameters, ask, *parameter, *version,
                                   {is_decrypted, selected.selector, asked_name(text, selected)})}};
}

Json get_parameters(Parameters& parameters, Ask& ask) {
  std::vector<std::string> names = ask.texts("Names", kNamesMax);
  bool is_decrypted = ask.flag("WithDecryption");
  if (names.empty()) ask.invalid("Names: must have one name at least.");
  std::set<std::string> different(names.begin(), names.end());
  if (different.size() != names.size()) ask.invalid("Names: a name is there twice.");
  for (const std::string& name : names) check_asked_name(ask, name);
  if (ask.refused()) return {};
  Json found = Json::array();
  Json invalid = Json::array();
  for (const std::string& name : names) {
    if (is_reference(name)) {
      auto secret = referenced_secret(parameters, ask, name, is_decrypted);
      secret ? found.push_back(std::move(*secret)) : invalid.push_back(name);
      continue;
    }
    Selected selected = parse_selected(parameters, name);
    auto parameter = look_for(parameters, ask, selected.name);
    const auto* version =
        parameter ? secrets::choose_version(*parameter, selected.wanted) : nullptr;
    if (version == nullptr) {
      invalid.push_back(name);
    } else {
      found.push_back(
          parameter_json(parameters, ask, *parameter, *version,
                         {is_decrypted, selected.selector, asked_name(name, selected)}));
    }
  }
  return {{"Parameters", std::move(found)}, {"InvalidParameters", std::move(invalid)}};
}

Json get_parameters_by_path(Parameters& parameters, Ask& ask) {
  std::string path = ask.required_text("Path");
  bool is_recursive = ask.flag("Recursive");
  bool is_decrypted = ask.flag("WithDecryption");
  ParameterFilter filter = read_parameter_filters(ask);
  if (!ask.refused() && !path.starts_with('/')) {
    ask.invalid("The parameter path must be a fully qualified name: it must begin with a slash.");
  }
  if (ask.refused()) return {};
  std::map<std::string, secrets::StoredSecret> found;
  std::vector<std::string> names;
  for (secrets::StoredSecret& parameter : all_parameters(parameters, ask)) {
    if (!is_beneath(parameter.name.name, path, is_recursive) || !filter(parameter)) continue;
    names.push_back(parameter.name.name);
    found.emplace(names.back(), std::move(parameter));
  }
  Page page = page_of(ask, names, page_members(kPathPageMax));
  Json list = Json::array();
  for (const std::string& name : page.items) {
    const secrets::StoredSecret& parameter = found.at(name);
    list.push_back(
        parameter_json(parameters, ask, parameter, parameter.versions.front(), {is_decrypted, ""}));
  }
  Json json = {{"Parameters", std::move(list)}};
  if (!page.next_token.empty()) json["NextToken"] = page.next_token;
  return json;
}

Json get_parameter_history(Parameters& parameters, Ask& ask) {
  std::string name = parse_selected(parameters, ask.required_text("Name")).name;
  bool is_decrypted = ask.flag("WithDecryption");
  if (ask.refused()) return {};
  auto parameter = find_parameter(parameters, ask, name);
  if (!parameter) return {};
  std::vector<std::string> ids;  // the oldest first
  for (const secrets::SecretVersion& version : parameter->versions) ids.push_back(version.id);
  std::ranges::reverse(ids);
  Page page = page_of(ask, ids, page_members(kListPageMax));
  Json list = Json::array();
  for (const std::string& id : page.items) {
    const secrets::SecretVersion& version = *parameter->find_version(id);
    Json json = metadata_json(*parameter, version);
    json["Value"] = value_of(parameters, ask, *parameter, version, is_decrypted);
    json["Labels"] = version.stages;
    list.push_back(std::move(json));
  }
  Json json = {{"Parameters", std::move(list)}};
  if (!page.next_token.empty()) json["NextToken"] = page.next_token;
  return json;
}

Json describe_parameters(Parameters& parameters, Ask& ask) {
  ParameterFilter filter = read_parameter_filters(ask);
  if (ask.refused()) return {};
  std::map<std::string, secrets::StoredSecret> found;
  std::vector<std::string> names;
  for (secrets::StoredSecret& parameter : all_parameters(parameters, ask)) {
    if (!filter(parameter)) continue;
    names.push_back(parameter.name.name);
    found.emplace(names.back(), std::move(parameter));
  }
  Page page = page_of(ask, names, page_members(kListPageMax));
  Json list = Json::array();
  for (const std::string& name : page.items) {
    const secrets::StoredSecret& parameter = found.at(name);
    Json json = metadata_json(parameter, parameter.versions.front());
    json["ARN"] = arn_of(parameters, parameter);
    list.push_back(std::move(json));
  }
  Json json = {{"Parameters", std::move(list)}};
  if (!page.next_token.empty()) json["NextToken"] = page.next_token;
  return json;
}

}  // namespace berth::api::ssm
