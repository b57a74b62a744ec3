// What the parsers of config.json share: errors that name the path, and texts without NUL bytes
// (they become C strings for the kernel).
#pragma once

#include "base/json.h"
#include "base/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace berth::runtime::parse {

// kInvalid and kUnsupported: "linux.resources.pids.limit: must be ...".
tl::unexpected<Error> invalid(const json::Node& node, const std::string& why);
tl::unexpected<Error> unsupported(const json::Node& node, const std::string& why);

Result<uint32_t> as_u32(const json::Node& node);
Result<uint32_t> u32_at(const json::Node& node, std::string_view key);
Result<std::optional<uint32_t>> find_u32(const json::Node& node, std::string_view key);
// "" and an empty list when absent.
Result<std::string> find_text(const json::Node& node, std::string_view key);
Result<std::vector<std::string>> find_texts(const json::Node& node, std::string_view key);

}  // namespace berth::runtime::parse
