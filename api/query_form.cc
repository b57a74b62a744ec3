#include "api/query_form.h"

#include "api/dispatch.h"
#include "api/wire.h"
#include "base/json_tree.h"
#include "base/text.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <map>
#include <memory>
#include <optional>

namespace berth::api {
namespace {

using FormJson = nlohmann::ordered_json;

constexpr size_t kFormDepthMax = 12;
constexpr size_t kFormFieldsMax = 20000;

struct FormNode {
  std::string value;
  bool has_value = false;
  std::map<std::string, std::unique_ptr<FormNode>> members;
};

tl::unexpected<Refusal> malformed_form(const std::string& name) {
  return tl::unexpected(
      Refusal{.code = "MalformedQueryString",
              .message = fmt::format("{}: the form is no request", printable(name, 200))});
}

// Nothing when not all names are numbers.
std::optional<std::map<uint64_t, const FormNode*>> numbered(const FormNode& node) {
  std::map<uint64_t, const FormNode*> elements;
  for (const auto& [name, member] : node.members) {
    auto number = parse_u64(name);
    if (!number) return std::nullopt;
    elements[*number] = member.get();
  }
  return elements;
}

FormJson json_of_node(const FormNode& node) {
  if (node.has_value) return node.value;
  auto member = node.members.find("member");
  if (member != node.members.end() && node.members.size() == 1) {
    return member->second->has_value && member->second->value.empty()
               ? FormJson::array()
               : json_of_node(*member->second);
  }
  if (auto elements = numbered(node)) {
    FormJson list = FormJson::array();
    for (const auto& [number, element] : *elements) list.push_back(json_of_node(*element));
    return list;
  }
  FormJson object = FormJson::object();
  for (const auto& [name, each] : node.members) object[name] = json_of_node(*each);
  return object;
}

}  // namespace

tl::expected<std::string, Refusal> json_of_form(std::string_view form) {
  FormNode root;
  aws::Query fields = parse_form(form);
  if (fields.size() > kFormFieldsMax) return malformed_form("too many fields");
  for (const auto& [name, value] : fields) {
    if (name == "Action" || name == "Version") continue;
    std::vector<std::string> path = split(name, '.');
    if (name.empty() || path.size() > kFormDepthMax) return malformed_form(name);
    FormNode* node = &root;
    for (const std::string& part : path) {
      if (node->has_value) return malformed_form(name);
      std::unique_ptr<FormNode>& next = node->members[part];
      if (next == nullptr) next = std::make_unique<FormNode>();
      node = next.get();
    }
    if (node->has_value || !node->members.empty()) return malformed_form(name);
    if (!json::is_utf8(value) || !json::is_utf8(name)) return malformed_form(name);
    node->value = value;
    node->has_value = true;
  }
  if (root.members.empty()) return std::string("{}");
  FormJson object = FormJson::object();
  for (const auto& [name, each] : root.members) object[name] = json_of_node(*each);
  return object.dump();
}

std::string xml_of_json(const nlohmann::ordered_json& json, std::string_view item) {
  std::string xml;
  if (json.is_object()) {
    for (const auto& [name, member] : json.items()) {
      bool is_map = name == "entry" && member.is_array();
      xml += is_map ? xml_of_json(member, name)
                    : fmt::format("<{0}>{1}</{0}>", name, xml_of_json(member, item));
    }
  } else if (json.is_array()) {
    for (const auto& element : json) {
      xml += fmt::format("<{0}>{1}</{0}>", item, xml_of_json(element, item));
    }
  } else if (json.is_string()) {
    xml = xml_text(json.get_ref<const std::string&>());
  } else if (!json.is_null()) {
    xml = json.dump();
  }
  return xml;
}

}  // namespace berth::api
