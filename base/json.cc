#include "base/json.h"

#include "base/text.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace berth::json {
namespace {

constexpr size_t kShownMax = 60;
constexpr size_t kReasonMax = 200;

using Builder = nlohmann::detail::json_sax_dom_parser<nlohmann::json>;

// Builds the value and watches for what the grammar allows and we do not: duplicate keys. As a
// callback of nlohmann::json::parse() the same takes several times as long.
class Guard {
 public:
  explicit Guard(nlohmann::json& root) : builder_(root, true) {}
  const std::string& problem() const { return problem_; }

  // What nlohmann::json::sax_parse calls; false ends the parse.
  bool null() { return builder_.null(); }
  bool boolean(bool value) { return builder_.boolean(value); }
  bool number_integer(int64_t value) { return builder_.number_integer(value); }
  bool number_unsigned(uint64_t value) { return builder_.number_unsigned(value); }
  bool number_float(double value, const std::string& text) {
    return builder_.number_float(value, text);
  }
  bool string(std::string& value) { return builder_.string(value); }
  bool binary(nlohmann::json::binary_t& value) { return builder_.binary(value); }
  bool start_array(size_t size) { return builder_.start_array(size); }
  bool end_array() { return builder_.end_array(); }
  bool start_object(size_t size) {
    starts_.push_back(keys_.size());
    return builder_.start_object(size);
  }
  bool key(std::string& name) {
    keys_.push_back(name);
    return builder_.key(name);
  }
  bool end_object() {
    auto begin = keys_.begin() + static_cast<ptrdiff_t>(starts_.back());
    std::sort(begin, keys_.end());
    auto twice = std::adjacent_find(begin, keys_.end());
    if (twice != keys_.end()) {
      problem_ = fmt::format("key \"{}\" stands twice in one object", printable(*twice, kShownMax));
      return false;
    }
    keys_.erase(begin, keys_.end());
    starts_.pop_back();
    return builder_.end_object();
  }
  template <class Exception>
  bool parse_error(size_t byte, const std::string& token, const Exception& error) {
    return builder_.parse_error(byte, token, error);  // throws it
  }

 private:
  Builder builder_;
  std::vector<std::string> keys_;  // of the open objects
  std::vector<size_t> starts_;     // where those of each begin
  std::string problem_;
};

// The deepest nesting of brackets outside strings. The parser recurses for its destructor, so depth
// is checked on the text, before anything is built.
size_t depth_of(std::string_view text) {
  size_t depth = 0;
  size_t deepest = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
      continue;
    }
    if (c == '"') in_string = true;
    if (c == '{' || c == '[') deepest = std::max(deepest, ++depth);
    if ((c == '}' || c == ']') && depth > 0) --depth;
  }
  return deepest;
}

// "line 3, column 14" of a byte offset.
std::string position_of(std::string_view text, size_t offset) {
  offset = std::min(offset, text.size());
  size_t line = 1 + static_cast<size_t>(std::count(text.begin(), text.begin() + offset, '\n'));
  size_t line_start = text.rfind('\n', offset == 0 ? 0 : offset - 1);
  size_t column = line_start == std::string_view::npos ? offset : offset - line_start - 1;
  return fmt::format("line {}, column {}", line, std::max<size_t>(column, 1));
}

}  // namespace

Document::Document(std::unique_ptr<nlohmann::json> value) : value_(std::move(value)) {}
Document::Document(Document&&) noexcept = default;
Document& Document::operator=(Document&&) noexcept = default;
Document::~Document() = default;

Result<Document> Document::parse(std::string_view text, const ParseOptions& options) {
  if (text.size() > options.text_max) {
    return fail(Errc::kInvalid, "{}: {} bytes of JSON, at most {} are read", options.name,
                text.size(), options.text_max);
  }
  if (depth_of(text) > options.depth_max) {
    return fail(Errc::kInvalid, "{}: nested deeper than {} levels", options.name,
                options.depth_max);
  }
  try {
    auto value = std::make_unique<nlohmann::json>();
    Guard guard(*value);
    if (nlohmann::json::sax_parse(text, &guard)) return Document(std::move(value));
    return fail(Errc::kInvalid, "{}: {}", options.name, guard.problem());
  } catch (const nlohmann::json::parse_error& error) {
    return fail(Errc::kInvalid, "{}: not valid JSON at {}", options.name,
                position_of(text, error.byte));
  } catch (const std::exception& error) {
    return fail(Errc::kInvalid, "{}: not valid JSON: {}", options.name,
                printable(error.what(), kReasonMax));
  }
}

Node Document::root() const {
  return Node(value_.get(), {});
}

Node::Node(const nlohmann::json* value, std::vector<Segment> segments)
    : value_(value), segments_(std::move(segments)) {}

std::string Node::path() const {
  if (segments_.empty()) return "(root)";
  std::string path;
  for (const Segment& segment : segments_) {
    if (const auto* index = std::get_if<size_t>(&segment)) {
      path += fmt::format("[{}]", *index);
    } else {
      if (!path.empty()) path += '.';
      path += printable(std::get<std::string>(segment), kShownMax);
    }
  }
  return path;
}

std::string Node::pointer() const {
  std::string pointer;
  for (const Segment& segment : segments_) {
    pointer += '/';
    if (const auto* index = std::get_if<size_t>(&segment)) {
      pointer += std::to_string(*index);
      continue;
    }
    for (char c : std::get<std::string>(segment)) {
      if (c == '~') {
        pointer += "~0";
      } else if (c == '/') {
        pointer += "~1";
      } else {
        pointer += c;
      }
    }
  }
  return pointer;
}

const char* Node::type_name() const {
  return value_->type_name();
}
bool Node::is_object() const {
  return value_->is_object();
}
bool Node::is_array() const {
  return value_->is_array();
}
bool Node::is_string() const {
  return value_->is_string();
}
bool Node::is_number() const {
  return value_->is_number();
}
bool Node::is_bool() const {
  return value_->is_boolean();
}

std::string Node::dump() const {
  return value_->dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

tl::unexpected<Error> Node::wrong_type(const char* wanted) const {
  return fail(Errc::kInvalid, "{}: must be {}, not {}", path(), wanted,
              is_object() || is_array() ? type_name() : printable(dump(), kShownMax));
}

Result<std::string> Node::as_string() const {
  if (!value_->is_string()) return wrong_type("a string");
  auto text = value_->get<std::string>();
  // No path, argument, variable or name can hold one: the kernel would read half of it.
  if (text.find('\0') != std::string::npos) {
    return fail(Errc::kInvalid, "{}: must not hold a NUL byte", path());
  }
  return text;
}

Result<int64_t> Node::as_i64() const {
  if (!value_->is_number_integer()) return wrong_type("a whole number");
  if (value_->is_number_unsigned() && value_->get<uint64_t>() > uint64_t{INT64_MAX}) {
    return fail(Errc::kInvalid, "{}: {} is too large", path(), dump());
  }
  return value_->get<int64_t>();
}

Result<uint64_t> Node::as_u64() const {
  if (!value_->is_number_unsigned()) return wrong_type("a whole number of at least 0");
  return value_->get<uint64_t>();
}

Result<double> Node::as_double() const {
  if (!value_->is_number()) return wrong_type("a number");
  return value_->get<double>();
}

Result<bool> Node::as_bool() const {
  if (!value_->is_boolean()) return wrong_type("true or false");
  return value_->get<bool>();
}

Result<std::vector<Node>> Node::as_array() const {
  if (!value_->is_array()) return wrong_type("an array");
  std::vector<Node> items;
  items.reserve(value_->size());
  for (size_t i = 0; i < value_->size(); ++i) items.push_back(child(i, &(*value_)[i]));
  return items;
}

Result<std::vector<std::pair<std::string, Node>>> Node::as_object() const {
  if (!value_->is_object()) return wrong_type("an object");
  std::vector<std::pair<std::string, Node>> members;
  for (auto it = value_->begin(); it != value_->end(); ++it) {
    if (it.value().is_null()) continue;
    members.emplace_back(it.key(), child(it.key(), &it.value()));
    if (it.key().find('\0') != std::string::npos) {
      return fail(Errc::kInvalid, "{}: must not hold a NUL byte", members.back().second.path());
    }
  }
  return members;
}

Result<std::vector<std::string>> Node::as_strings() const {
  if (!value_->is_array()) return wrong_type("an array");
  std::vector<std::string> strings;
  strings.reserve(value_->size());
  for (size_t i = 0; i < value_->size(); ++i) {
    const nlohmann::json& item = (*value_)[i];
    const auto* text = item.get_ptr<const std::string*>();
    bool is_good = text != nullptr && text->find('\0') == std::string::npos;
    // The way to an item is made only for an error.
    strings.push_back(is_good ? *text : TRY(child(i, &item).as_string()));
  }
  return strings;
}

Result<std::vector<std::pair<std::string, std::string>>> Node::as_string_map() const {
  std::vector<std::pair<std::string, std::string>> map;
  for (const auto& [key, node] : TRY(as_object())) map.emplace_back(key, TRY(node.as_string()));
  return map;
}

std::optional<Node> Node::find(std::string_view key) const {
  if (!value_->is_object()) return std::nullopt;
  auto it = value_->find(std::string(key));
  if (it == value_->end() || it->is_null()) return std::nullopt;
  return child(std::string(key), &*it);
}

Result<std::optional<Node>> Node::find_in_object(std::string_view key) const {
  if (!value_->is_object()) return wrong_type("an object");
  return find(key);
}

Result<Node> Node::at(std::string_view key) const {
  if (!value_->is_object()) return wrong_type("an object");
  auto node = find(key);
  if (!node) {
    return fail(Errc::kInvalid, "{}: is required", child(std::string(key), nullptr).path());
  }
  return *node;
}

Result<std::string> Node::string_at(std::string_view key) const {
  return TRY(at(key)).as_string();
}

Result<int64_t> Node::i64_at(std::string_view key) const {
  return TRY(at(key)).as_i64();
}

Result<std::optional<std::string>> Node::find_string(std::string_view key) const {
  auto node = TRY(find_in_object(key));
  if (!node) return std::nullopt;
  return TRY(node->as_string());
}

Result<std::optional<int64_t>> Node::find_i64(std::string_view key) const {
  auto node = TRY(find_in_object(key));
  if (!node) return std::nullopt;
  return TRY(node->as_i64());
}

Result<std::optional<uint64_t>> Node::find_u64(std::string_view key) const {
  auto node = TRY(find_in_object(key));
  if (!node) return std::nullopt;
  return TRY(node->as_u64());
}

Result<std::optional<bool>> Node::find_bool(std::string_view key) const {
  auto node = TRY(find_in_object(key));
  if (!node) return std::nullopt;
  return TRY(node->as_bool());
}

Result<std::vector<Node>> Node::find_array(std::string_view key) const {
  auto node = TRY(find_in_object(key));
  if (!node) return std::vector<Node>();
  return node->as_array();
}

Result<std::vector<std::string>> Node::find_strings(std::string_view key) const {
  auto node = TRY(find_in_object(key));
  if (!node) return std::vector<std::string>();
  return node->as_strings();
}

Status Node::only(std::initializer_list<std::string_view> known) const {
  for (const auto& [key, node] : TRY(as_object())) {
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      return fail(Errc::kInvalid, "{}: unknown field", node.path());
    }
  }
  return {};
}

Node Node::child(Segment segment, const nlohmann::json* value) const {
  std::vector<Segment> segments = segments_;
  segments.push_back(std::move(segment));
  return Node(value, std::move(segments));
}

}  // namespace berth::json
