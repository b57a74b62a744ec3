#include "api/dispatch.h"

#include "base/text.h"

#include <algorithm>

namespace berth::api {
namespace {

constexpr std::string_view kFormType = "application/x-www-form-urlencoded";

template <class Matches>
const ServiceModel* find_model(Matches matches) {
  const auto* found = std::ranges::find_if(kServiceModels, matches);
  return found == kServiceModels.end() ? nullptr : found;
}

const ServiceModel* model_of_scope(std::string_view scope) {
  return find_model([&](const ServiceModel& model) { return model.name == scope; });
}

Address address_of_target(const std::string& target, const std::string& body) {
  size_t dot = target.find('.');
  std::string prefix = target.substr(0, dot);
  Address address;
  address.service = find_model([&](const ServiceModel& model) {
    return model.protocol == Protocol::kJson && model.target == prefix;
  });
  if (dot != std::string::npos) address.operation = target.substr(dot + 1);
  address.body = body;
  return address;
}

bool is_cbor(const http::Request& request) {
  return request.method == "POST" && request.header("smithy-protocol") == "rpc-v2-cbor";
}

// What stands in front of "/service/" is the endpoint's own.
Address address_of_path(const http::Request& request) {
  Address address{.protocol = Protocol::kCbor, .body = request.body};
  std::vector<std::string> parts = split(request.path, '/');
  size_t count = parts.size();
  if (count < 4 || parts[count - 4] != "service" || parts[count - 2] != "operation") return address;
  address.operation = parts[count - 1];
  address.service = find_model([&](const ServiceModel& model) {
    return model.protocol == Protocol::kCbor && model.target == parts[count - 3];
  });
  return address;
}

std::string value_in(const aws::Query& form, std::string_view name) {
  auto found =
      std::ranges::find_if(form, [&](const auto& parameter) { return parameter.first == name; });
  return found == form.end() ? "" : found->second;
}

bool has_form(const http::Request& request) {
  return to_lower(request.header("content-type")).starts_with(kFormType);
}

Address address_of_form(const std::string& form_text, std::string_view scope) {
  aws::Query form = parse_form(form_text);
  std::string version = value_in(form, "Version");
  Address address;
  address.protocol = Protocol::kQuery;
  address.operation = value_in(form, "Action");
  address.body = form_text;
  address.service = find_model([&](const ServiceModel& model) {
    bool is_asked = is_form(model.protocol) && model.version == version;
    return is_asked && (scope.empty() || model.name == scope);
  });
  const ServiceModel* told = address.service != nullptr ? address.service : model_of_scope(scope);
  if (told != nullptr && is_form(told->protocol)) address.protocol = told->protocol;
  return address;
}

}  // namespace

aws::Query parse_form(std::string_view text) {
  std::string plain;
  for (char c : text) plain += c == '+' ? std::string("%20") : std::string(1, c);
  return aws::parse_query(plain);
}

Address address_of(const http::Request& request, std::string_view scope) {
  if (is_cbor(request)) return address_of_path(request);
  const std::string& target = request.header("x-amz-target");
  if (!target.empty()) return address_of_target(target, request.body);
  // A presigned URL has its form in the query.
  const std::string& form = has_form(request) ? request.body : request.query;
  bool names_action = !value_in(parse_form(form), "Action").empty();
  const ServiceModel* signed_for = model_of_scope(scope);
  if (names_action) return address_of_form(form, scope);
  Address nobody;
  if (signed_for != nullptr) nobody.protocol = signed_for->protocol;
  return nobody;
}

}  // namespace berth::api
