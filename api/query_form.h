// Between the query protocol and JSON, so that an operation is written once: a form becomes the
// JSON that the same request would be, and the answer becomes XML. Pure.
//
//   MetricData.member.1.MetricName=a          {"MetricData": [{"MetricName": "a"}]}
//   Filter.1.Value.1=a          (of EC2)      {"Filter": [{"Value": ["a"]}]}
//
// All values of a form are texts; Ask reads numbers and flags of them (Call::is_form).
#pragma once

#include "api/service.h"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <string_view>

namespace berth::api {

// The refusal is about a form that cannot be one request: "a=1&a.b=2".
tl::expected<std::string, Refusal> json_of_form(std::string_view form);

// Elements in the order of the members; of lists each in an element `item`, but for a list that is
// called "entry": it is a map's, and each of its elements is one ({"key", "value"}).
std::string xml_of_json(const nlohmann::ordered_json& json, std::string_view item);

}  // namespace berth::api
