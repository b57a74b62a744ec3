// Parameters by name, by selector, by path and by filters.
#include "api/ssm_operations.h"
#include "aws/base64.h"
#include "aws/time.h"
#include "base/text.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace berth::api::ssm {
namespace {

constexpr size_t kParameterFiltersMax = 50;

// Of one level, "/a" and "a" are the same parameter, as their ARNs are.
std::string other_form(const std::string& name) {
  if (name.starts_with('/')) {
    bool is_one_level = name.find('/', 1) == std::string::npos;
    return is_one_level ? name.substr(1) : "";
  }
  return name.find('/') == std::string::npos ? "/" + name : "";
}

struct Filter {
  std::string key;
  std::string option;
  std::vector<std::string> values;
};

bool compares(const std::string& text, const std::string& value, const std::string& option) {
  if (option == "BeginsWith") return text.starts_with(value);
  if (option == "Contains") return text.find(value) != std::string::npos;
  return text == value;
}

std::vector<std::string> texts_of(const Filter& filter, const secrets::StoredSecret& parameter) {
  const secrets::SecretVersion& newest = parameter.versions.front();
  if (filter.key == "Name") return {parameter.name.name};
  if (filter.key == "Type") return {attribute_of(newest, "type")};
  if (filter.key == "KeyId") return {attribute_of(newest, "keyId")};
  if (filter.key == "Tier") return {attribute_of(newest, "tier")};
  if (filter.key == "DataType") return {attribute_of(newest, "dataType")};
  if (filter.key == "Label") {
    std::vector<std::string> labels;
    for (const secrets::SecretVersion& version : parameter.versions) {
      labels.insert(labels.end(), version.stages.begin(), version.stages.end());
    }
    return labels;
  }
  auto tag = parameter.tags.find(filter.key.substr(filter.key.find(':') + 1));
  return tag == parameter.tags.end() ? std::vector<std::string>() : std::vector{tag->second};
}

bool passes_filter(const Filter& filter, const secrets::StoredSecret& parameter) {
  if (filter.key == "Path") {
    return std::ranges::any_of(filter.values, [&](const std::string& path) {
      return is_beneath(parameter.name.name, path, filter.option == "Recursive");
    });
  }
  std::vector<std::string> texts = texts_of(filter, parameter);
  if (filter.values.empty()) return !texts.empty();  // of a tag: whether it is there
  return std::ranges::any_of(texts, [&](const std::string& text) {
    return std::ranges::any_of(filter.values, [&](const std::string& value) {
      // Of one level, its name may be asked for with the slash or without.
      return compares(text, value, filter.option) ||
             (filter.key == "Name" && text == other_form(value));
    });
  });
}

void check_filter(Ask& ask, const json::Node& node, const Filter& filter) {
  constexpr std::array<std::string_view, 7> kKeys = {"Name", "Type",     "KeyId", "Path",
                                                     "Tier", "DataType", "Label"};
  bool is_tag = filter.key.starts_with("tag:") && filter.key.size() > 4;
  bool is_known = is_tag || std::ranges::find(kKeys, filter.key) != kKeys.end();
  if (!is_known) {
    ask.refuse("InvalidFilterKey",
               fmt::format("{}.Key: '{}' is none of Name, Type, KeyId, Path, Tier, DataType, Label "
                           "and tag:KEY.",
                           node.path(), filter.key));
  }
  bool is_path = filter.key == "Path";
  bool has_option = filter.option == "Equals" ||
                    (is_path ? filter.option == "Recursive" || filter.option == "OneLevel"
                             : filter.option == "BeginsWith" || filter.option == "Contains");
  if (!has_option) {
    ask.refuse("InvalidFilterOption", fmt::format("{}.Option: '{}' is none that {} has.",
                                                  node.path(), filter.option, filter.key));
  }
  if (filter.values.empty() && !is_tag) {
    ask.refuse("InvalidFilterValue", node.path() + ".Values: must have one value at least.");
  }
}

}  // namespace

Selected parse_selected(const Parameters& parameters, const std::string& text) {
  Selected selected{.name = text};
  std::string prefix = parameters.arn_prefix + "/";
  if (text.starts_with(prefix)) {
    selected.name = text.substr(prefix.size());
    if (selected.name.find('/') != std::string::npos) selected.name.insert(0, "/");
  } else if (text.starts_with("arn:")) {
    return selected;  // another host's: no name has a colon
  }
  size_t colon = selected.name.find(':');
  if (colon == std::string::npos) return selected;
  selected.selector = selected.name.substr(colon);
  std::string which = selected.selector.substr(1);
  if (which.find(':') != std::string::npos) return {.name = text};  // there is none, too
  selected.name.resize(colon);
  selected.wanted.number = parse_u64(which);
  if (!selected.wanted.number) selected.wanted.stage = which.empty() ? ":" : which;
  return selected;
}

void check_asked_name(Ask& ask, const std::string& text) {
  if (text.starts_with("arn:")) return;
  bool is_path = text.find('/') != std::string::npos;
  bool is_good = !is_path || (text.starts_with('/') && text.find("//") == std::string::npos);
  if (!is_good) ask.invalid(kPathRule);
}

std::optional<secrets::StoredSecret> look_for(const Parameters& parameters, Ask& ask,
                                              const std::string& name) {
  for (const std::string& form : {name, other_form(name)}) {
    if (form.empty() || ask.refused()) continue;
    auto found =
        ask.checked(parameters.store.find({secrets::SecretKind::kParameter, form}, parameters.now));
    if (found && !found->versions.empty()) return found;
  }
  return std::nullopt;
}

std::optional<secrets::StoredSecret> find_parameter(const Parameters& parameters, Ask& ask,
                                                    const std::string& name) {
  auto found = look_for(parameters, ask, name);
  if (!found) ask.refuse("ParameterNotFound", fmt::format("Parameter {} not found.", name));
  return found;
}

std::optional<secrets::StoredSecret> change_parameter(Parameters& parameters, Ask& ask,
                                                      const std::string& name,
                                                      const ParameterChange& change) {
  auto found = find_parameter(parameters, ask, name);
  if (!found || ask.refused()) return std::nullopt;
  auto done = parameters.store.change(
      found->name, parameters.env, [&](std::optional<secrets::StoredSecret>& parameter) -> Status {
        if (!parameter) ask.refuse("ParameterNotFound", "Parameter not found.");
        if (!ask.refused()) change(*parameter);
        if (ask.refused()) return fail(Errc::kInvalid, "{}", ask.refusal().message);
        found = parameter;
        return {};
      });
  if (!ask.refused()) ask.check(done);
  return ask.refused() ? std::nullopt : found;
}

std::vector<secrets::StoredSecret> all_parameters(const Parameters& parameters, Ask& ask) {
  auto all = ask.checked(parameters.store.list(parameters.now));
  std::erase_if(all, [](const secrets::StoredSecret& secret) {
    return secret.name.kind != secrets::SecretKind::kParameter || secret.versions.empty();
  });
  return all;
}

std::string arn_of(const Parameters& parameters, const secrets::StoredSecret& parameter) {
  const std::string& name = parameter.name.name;
  return parameters.arn_prefix + (name.starts_with('/') ? "" : "/") + name;
}

std::string attribute_of(const secrets::SecretVersion& version, const std::string& name) {
  auto found = version.attributes.find(name);
  if (found != version.attributes.end()) return found->second;
  // Of those that `berth secrets` has made.
  if (name == "type") return "SecureString";
  if (name == "tier") return "Standard";
  return name == "dataType" ? "text" : "";
}

double seconds_of_version(const secrets::SecretVersion& version) {
  auto time = aws::parse_rfc3339(version.created_at);
  if (!time) return 0;
  auto since = time->time_since_epoch();
  return static_cast<double>(std::chrono::duration_cast<std::chrono::milliseconds>(since).count()) /
         1000;
}

std::string value_of(const Parameters& parameters, Ask& ask, const secrets::StoredSecret& parameter,
                     const secrets::SecretVersion& version, bool is_decrypted) {
  bool is_secure = attribute_of(version, "type") == "SecureString";
  if (is_secure && !is_decrypted) return aws::encode_base64(version.sealed);
  return ask.checked(parameters.store.open(parameter.name, version)).reveal();
}

bool is_beneath(const std::string& name, const std::string& path, bool is_recursive) {
  std::string base = path.ends_with('/') ? path : path + "/";
  std::string full = name.starts_with('/') ? name : "/" + name;
  if (!full.starts_with(base) || full.size() == base.size()) return false;
  return is_recursive || full.find('/', base.size()) == std::string::npos;
}

ParameterFilter read_parameter_filters(Ask& ask) {
  std::vector<Filter> filters;
  for (const json::Node& node : ask.objects("ParameterFilters", kParameterFiltersMax)) {
    Filter filter{.key = ask.required_text(node, "Key"),
                  .option = ask.text(node, "Option"),
                  .values = ask.texts(node, "Values", kParameterFiltersMax)};
    if (filter.option.empty()) filter.option = filter.key == "Path" ? "OneLevel" : "Equals";
    check_filter(ask, node, filter);
    filters.push_back(std::move(filter));
  }
  if (ask.has("Filters") && ask.has("ParameterFilters")) {
    ask.invalid("You can use either Filters or ParameterFilters in a single request.");
  }
  // What was there before ParameterFilters.
  for (const json::Node& node : ask.objects("Filters", kParameterFiltersMax)) {
    Filter filter{.key = ask.word(node, "Key", {"Name", "Type", "KeyId"}),
                  .option = "Equals",
                  .values = ask.texts(node, "Values", kParameterFiltersMax)};
    if (filter.key == "Name") filter.option = "BeginsWith";
    if (filter.key.empty() || filter.values.empty()) {
      ask.invalid(node.path() + ": a filter has a Key and Values.");
    }
    filters.push_back(std::move(filter));
  }
  return [filters](const secrets::StoredSecret& parameter) {
    return std::ranges::all_of(
        filters, [&](const Filter& filter) { return passes_filter(filter, parameter); });
  };
}

}  // namespace berth::api::ssm
