// Parameters put and taken away, their labels and tags.
#include "api/ssm_operations.h"
#include "api/tags.h"
#include "base/ids.h"
#include "base/pattern.h"
#include "base/text.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace berth::api::ssm {
namespace {

constexpr size_t kStandardValueMax = 4096;
constexpr size_t kAdvancedValueMax = 8192;
constexpr size_t kLevelsMax = 15;
constexpr size_t kParameterDescriptionMax = 1024;
constexpr size_t kDeletedMax = 10;
constexpr size_t kLabelsMax = 10;
constexpr size_t kLabelMax = 100;
constexpr int64_t kVersionNumberMax = INT64_MAX;

bool is_parameter_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '.' || c == '-';
}

void check_parameter_name(Ask& ask, const std::string& name) {
  bool has_letters =
      std::ranges::all_of(name, [](char c) { return is_parameter_letter(c) || c == '/'; });
  if (!has_letters || name.ends_with('/') || name.find("//") != std::string::npos) {
    ask.invalid(kPathRule);
  }
  if (name.find('/') != std::string::npos && !name.starts_with('/')) {
    ask.invalid("Parameter name must be a fully qualified name: it must begin with a slash.");
  }
  if (static_cast<size_t>(std::ranges::count(name, '/')) > kLevelsMax) {
    ask.refuse("HierarchyLevelLimitExceededException",
               fmt::format("A hierarchy has at most {} levels.", kLevelsMax));
  }
  std::string lower = to_lower(name.starts_with('/') ? name.substr(1) : name);
  if (lower.starts_with("aws") || lower.starts_with("ssm")) {
    bool is_path = name.find('/', 1) != std::string::npos;
    ask.invalid(is_path && lower.starts_with("ssm")
                    ? kPathRule
                    : "Parameter name: can't be prefixed with \"aws\" or \"ssm\" "
                      "(case-insensitive).");
  }
  auto good = secrets::check_secret_name({secrets::SecretKind::kParameter, name});
  if (!ask.refused() && !good) ask.invalid("Parameter name: " + good.error().text);
}

// What a request says of the version that it makes.
struct PutRequest {
  std::string name;
  Secret value;
  std::map<std::string, std::string> attributes;
  Tags tags;
  bool is_overwrite = false;
};

std::string tier_of(Ask& ask, const std::string& asked, size_t size) {
  bool is_standard = size <= kStandardValueMax;
  if (asked == "Intelligent-Tiering") return is_standard ? "Standard" : "Advanced";
  if (asked != "Advanced" && !is_standard) {
    ask.invalid(
        fmt::format("Standard tier parameters support a maximum parameter value of {} "
                    "characters. To create a larger parameter value, upgrade the "
                    "parameter to use the advanced-parameter tier.",
                    kStandardValueMax));
  }
  if (size > kAdvancedValueMax) {
    ask.invalid(
        fmt::format("Advanced tier parameters support a maximum parameter value of {} "
                    "characters.",
                    kAdvancedValueMax));
  }
  return asked.empty() ? "Standard" : asked;
}

void check_pattern(Ask& ask, const std::string& text, const std::string& value) {
  if (text.empty()) return;
  auto pattern = Pattern::parse(text);
  if (!pattern) return ask.refuse("InvalidAllowedPatternException", pattern.error().text);
  if (!pattern->matches(value)) {
    ask.refuse("ParameterPatternMismatchException",
               "Parameter value, cannot be validated against allowedPattern: " + text);
  }
}

PutRequest read_put(const Parameters& parameters, Ask& ask) {
  PutRequest put;
  put.name = ask.required_text("Name");
  check_parameter_name(ask, put.name);
  put.value = Secret(ask.required_text("Value"));
  auto good = secrets::check_secret_value(put.value);
  if (!ask.refused() && !good) ask.invalid("Value: " + good.error().text);
  put.is_overwrite = ask.flag("Overwrite");
  put.tags = read_tag_list(ask, "Tags", {});
  if (put.is_overwrite && !put.tags.empty()) {
    ask.invalid(
        "Invalid request: tags and overwrite can't be used together. To create a parameter "
        "with tags, please remove overwrite flag. To update tags for an existing "
        "parameter, please use AddTagsToResource or RemoveTagsFromResource.");
  }
  if (!ask.text("Policies").empty()) {
    ask.refuse("InvalidPolicyTypeException", "Policies: parameters of berth have none.");
  }
  std::string data_type = ask.text("DataType");
  if (!data_type.empty() && data_type != "text") {
    ask.invalid("DataType: parameters of berth are of the data type text.");
  }
  put.attributes = {
      {"type", ask.word("Type", {"String", "StringList", "SecureString"})},
      {"tier", tier_of(ask, ask.word("Tier", {"Standard", "Advanced", "Intelligent-Tiering"}),
                       put.value.reveal().size())},
      {"description", ask.text("Description")},
      {"pattern", ask.text("AllowedPattern")},
      {"keyId", ask.text("KeyId")},
      {"dataType", "text"},
      {"user", parameters.user}};
  if (put.attributes["description"].size() > kParameterDescriptionMax) {
    ask.invalid(fmt::format("Description: has at most {} characters.", kParameterDescriptionMax));
  }
  if (!ask.refused()) check_pattern(ask, put.attributes["pattern"], put.value.reveal());
  return put;
}

// What the request does not say stays as it was.
void complete_put(Ask& ask, PutRequest& put, const std::optional<secrets::StoredSecret>& old) {
  std::string& type = put.attributes["type"];
  if (!old) {
    if (type.empty()) ask.invalid("A parameter type is required when you create a parameter.");
  } else {
    std::string before = attribute_of(old->versions.front(), "type");
    if (!type.empty() && type != before) {
      ask.refuse("HierarchyTypeMismatchException",
                 fmt::format("The parameter is a {} and stays one: delete it first, to make it a "
                             "{}.",
                             before, type));
    }
    type = before;
  }
  if (type == "SecureString" && put.attributes["keyId"].empty()) {
    put.attributes["keyId"] = "alias/aws/ssm";
  }
  std::erase_if(put.attributes, [](const auto& attribute) { return attribute.second.empty(); });
}

bool is_label(const std::string& label) {
  std::string lower = to_lower(label);
  return std::ranges::all_of(label, is_parameter_letter) && (label[0] < '0' || label[0] > '9') &&
         !lower.starts_with("aws") && !lower.starts_with("ssm");
}

secrets::SecretVersion* wanted_version(Ask& ask, secrets::StoredSecret& parameter,
                                       std::optional<int64_t> number) {
  for (secrets::SecretVersion& version : parameter.versions) {
    if (!number || version.number == static_cast<uint64_t>(*number)) return &version;
  }
  std::string wanted = number ? std::to_string(*number) : "any";
  ask.refuse("ParameterVersionNotFound",
             fmt::format("Systems Manager could not find version {} of {}. Verify the version and "
                         "try again.",
                         wanted, parameter.name.name));
  return nullptr;
}

std::string tagged_name(const Parameters& parameters, Ask& ask) {
  std::string type = ask.required_text("ResourceType");
  if (!ask.refused() && type != "Parameter") {
    ask.refuse("InvalidResourceType", "ResourceType: berth has resources of the type Parameter.");
  }
  return parse_selected(parameters, ask.required_text("ResourceId")).name;
}

// The oldest version goes for a new one, unless it may be asked for by a label.
void check_room(Ask& ask, const secrets::StoredSecret& parameter) {
  if (parameter.versions.size() < secrets::kParameterVersionsMax) return;
  const secrets::SecretVersion& oldest = parameter.versions.back();
  if (oldest.stages.empty()) return;
  ask.refuse("ParameterMaxVersionLimitExceeded",
             fmt::format("You attempted to create a new version of {} by calling the PutParameter "
                         "API with the overwrite flag. Version {}, the oldest version, can't be "
                         "deleted because it has a label associated with it. Move the label to "
                         "another version of the parameter, and try again.",
                         parameter.name.name, oldest.number));
}

// Operations about tags tell it by another exception.
bool has_tagged(const Parameters& parameters, Ask& ask, const std::string& name) {
  if (ask.refused()) return false;
  bool is_there = look_for(parameters, ask, name).has_value();
  if (!is_there) {
    ask.refuse("InvalidResourceId", fmt::format("There is no parameter {}.", printable(name, 200)));
  }
  return is_there;
}

}  // namespace

Json put_parameter(Parameters& parameters, Ask& ask) {
  PutRequest put = read_put(parameters, ask);
  if (ask.refused()) return {};
  auto existing = look_for(parameters, ask, put.name);
  secrets::SecretName name{secrets::SecretKind::kParameter,
                           existing ? existing->name.name : put.name};
  secrets::SecretVersion made;
  auto done = parameters.store.change(
      name, parameters.env, [&](std::optional<secrets::StoredSecret>& parameter) -> Status {
        if (parameter && !put.is_overwrite) {
          ask.refuse("ParameterAlreadyExists",
                     "The parameter already exists. To overwrite this value, set the overwrite "
                     "option in the request to true.");
        }
        if (parameter) check_room(ask, *parameter);
        complete_put(ask, put, parameter);
        if (ask.refused()) return fail(Errc::kInvalid, "{}", ask.refusal().message);
        if (!parameter) {
          parameter = secrets::make_secret(name, parameters.env);
          for (const scheduler::KeyValue& tag : put.tags) parameter->tags[tag.name] = tag.value;
        }
        made.id = make_uuid(parameters.env.rng);
        made.number = parameter->versions.empty() ? 1 : parameter->versions.front().number + 1;
        made.created_at = format_rfc3339(parameters.now);
        made.attributes = put.attributes;
        made.value = put.value;
        parameter->add_version(made);
        return {};
      });
  if (!ask.refused()) ask.check(done);
  return {{"Version", made.number}, {"Tier", attribute_of(made, "tier")}};
}

Json delete_parameter(Parameters& parameters, Ask& ask) {
  std::string name = ask.required_text("Name");
  auto parameter = find_parameter(parameters, ask, parse_selected(parameters, name).name);
  if (parameter && !ask.refused()) ask.checked(parameters.store.remove(parameter->name));
  return Json::object();
}

Json delete_parameters(Parameters& parameters, Ask& ask) {
  std::vector<std::string> names = ask.texts("Names", kDeletedMax);
  if (names.empty()) ask.invalid("Names: must have one name at least.");
  Json deleted = Json::array();
  Json invalid = Json::array();
  for (const std::string& name : names) {
    auto parameter = look_for(parameters, ask, parse_selected(parameters, name).name);
    if (ask.refused()) return {};
    bool is_gone = parameter && ask.checked(parameters.store.remove(parameter->name));
    (is_gone ? deleted : invalid).push_back(name);
  }
  return {{"DeletedParameters", std::move(deleted)}, {"InvalidParameters", std::move(invalid)}};
}

Json label_parameter_version(Parameters& parameters, Ask& ask) {
  auto number = ask.number("ParameterVersion", {1, kVersionNumberMax});
  std::vector<std::string> labels = ask.texts("Labels", kLabelsMax);
  if (labels.empty()) ask.invalid("Labels: must have one label at least.");
  for (const std::string& label : labels) {
    if (!label.empty() && label.size() <= kLabelMax) continue;
    ask.invalid(
        fmt::format("Labels: a label has 1 to {} characters, not {}.", kLabelMax, label.size()));
  }
  std::string name = parse_selected(parameters, ask.required_text("Name")).name;
  Json invalid = Json::array();
  uint64_t labelled = 0;
  change_parameter(parameters, ask, name, [&](secrets::StoredSecret& parameter) {
    secrets::SecretVersion* version = wanted_version(ask, parameter, number);
    if (version == nullptr) return;
    for (const std::string& label : labels) {
      if (is_label(label)) {
        parameter.move_stage(label, *version);
      } else {
        invalid.push_back(label);
      }
    }
    if (version->stages.size() > kLabelsMax) {
      ask.refuse("ParameterVersionLabelLimitExceeded",
                 fmt::format("A version has at most {} labels.", kLabelsMax));
    }
    labelled = version->number;
  });
  return {{"InvalidLabels", std::move(invalid)}, {"ParameterVersion", labelled}};
}

Json unlabel_parameter_version(Parameters& parameters, Ask& ask) {
  auto number = ask.number("ParameterVersion", {1, kVersionNumberMax});
  if (!number) ask.invalid("ParameterVersion can not be null.");
  std::vector<std::string> labels = ask.texts("Labels", kLabelsMax);
  std::string name = parse_selected(parameters, ask.required_text("Name")).name;
  Json removed = Json::array();
  Json invalid = Json::array();
  change_parameter(parameters, ask, name, [&](secrets::StoredSecret& parameter) {
    secrets::SecretVersion* version = wanted_version(ask, parameter, number);
    if (version == nullptr) return;
    for (const std::string& label : labels) {
      bool is_there = std::erase(version->stages, label) != 0;
      (is_there ? removed : invalid).push_back(label);
    }
  });
  return {{"RemovedLabels", std::move(removed)}, {"InvalidLabels", std::move(invalid)}};
}

Json add_tags_to_resource(Parameters& parameters, Ask& ask) {
  Tags added = read_tag_list(ask, "Tags", {});
  std::string name = tagged_name(parameters, ask);
  if (!has_tagged(parameters, ask, name)) return {};
  change_parameter(parameters, ask, name, [&](secrets::StoredSecret& parameter) {
    for (const scheduler::KeyValue& tag : added) parameter.tags[tag.name] = tag.value;
    if (parameter.tags.size() > kTagsMax) {
      ask.refuse("TooManyTagsError", fmt::format("A parameter has at most {} tags.", kTagsMax));
    }
  });
  return Json::object();
}

Json remove_tags_from_resource(Parameters& parameters, Ask& ask) {
  std::vector<std::string> keys = ask.texts("TagKeys", kTagsMax);
  std::string name = tagged_name(parameters, ask);
  if (!has_tagged(parameters, ask, name)) return {};
  change_parameter(parameters, ask, name, [&](secrets::StoredSecret& parameter) {
    for (const std::string& key : keys) parameter.tags.erase(key);
  });
  return Json::object();
}

Json list_tags_for_resource(Parameters& parameters, Ask& ask) {
  std::string name = tagged_name(parameters, ask);
  if (!has_tagged(parameters, ask, name)) return {};
  Json tags = Json::array();
  auto parameter = find_parameter(parameters, ask, name);
  if (!parameter) return {};
  for (const auto& [key, value] : parameter->tags) {
    tags.push_back({{"Key", key}, {"Value", value}});
  }
  return {{"TagList", std::move(tags)}};
}

}  // namespace berth::api::ssm
