#include "runtime/parse.h"

#include <limits>

namespace berth::runtime::parse {

tl::unexpected<Error> invalid(const json::Node& node, const std::string& why) {
  return fail(Errc::kInvalid, "{}: {}", node.path(), why);
}

tl::unexpected<Error> unsupported(const json::Node& node, const std::string& why) {
  return fail(Errc::kUnsupported, "{}: {}", node.path(), why);
}

Result<uint32_t> as_u32(const json::Node& node) {
  uint64_t value = TRY(node.as_u64());
  if (value > std::numeric_limits<uint32_t>::max()) return invalid(node, "is above 4294967295");
  return static_cast<uint32_t>(value);
}

Result<uint32_t> u32_at(const json::Node& node, std::string_view key) {
  json::Node member = TRY(node.at(key));
  return as_u32(member);
}

Result<std::optional<uint32_t>> find_u32(const json::Node& node, std::string_view key) {
  auto member = node.find(key);
  if (!member) return std::nullopt;
  uint32_t value = TRY(as_u32(*member));
  return std::optional<uint32_t>(value);
}

Result<std::string> find_text(const json::Node& node, std::string_view key) {
  auto text = TRY(node.find_string(key));
  if (text && text->find('\0') != std::string::npos) {
    return fail(Errc::kInvalid, "{}.{}: must not hold a NUL byte", node.path(), key);
  }
  return text.value_or("");
}

Result<std::vector<std::string>> find_texts(const json::Node& node, std::string_view key) {
  std::vector<std::string> texts = TRY(node.find_strings(key));
  for (size_t i = 0; i < texts.size(); ++i) {
    if (texts[i].find('\0') == std::string::npos) continue;
    return fail(Errc::kInvalid, "{}.{}[{}]: must not hold a NUL byte", node.path(), key, i);
  }
  return texts;
}

}  // namespace berth::runtime::parse
