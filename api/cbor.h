// CBOR (RFC 8949), as Smithy's RPC v2 uses it: a request becomes the JSON that it would be, and an
// answer of JSON becomes CBOR. Pure.
//
//   times      tag 1 about a number; in JSON the number, by the member's name
//   bytes      a string in base64
//   tags       others are passed over: what they are about stays
//   numbers    those that are infinite or none are refused; JSON has none
#pragma once

#include "base/result.h"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <string_view>

namespace berth::api {

// "{}" of no bytes at all. kInvalid: malformed, cut off, with more behind it, nested deeper than
// `depth_max`, names that are no texts or stand twice, texts that are not UTF-8.
Result<std::string> json_of_cbor(std::string_view bytes, size_t depth_max);

// `times`: the names of members that are times, or lists of times, with a space before and behind
// each.
std::string cbor_of_json(const nlohmann::ordered_json& json, std::string_view times);

}  // namespace berth::api
