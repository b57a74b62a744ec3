#include "base/json.h"

#include "base/json_tree.h"
#include "base/text.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>

namespace berth::json {
namespace {

constexpr size_t kShownMax = 60;

// "line 3, column 14" of a byte offset.
std::string position_of(std::string_view text, size_t offset) {
  std::string_view before = text.substr(0, offset);
  auto line = 1 + std::count(before.begin(), before.end(), '\n');
  size_t line_end = before.rfind('\n');
  size_t column = line_end == std::string_view::npos ? offset + 1 : offset - line_end;
  return fmt::format("line {}, column {}", line, column);
}

// The places of the values in a container, in the order of the text.
class Children {
 public:
  class Iterator {
   public:
    Iterator(const Tree& tree, uint32_t place) : tree_(tree), place_(place) {}
    uint32_t operator*() const { return place_; }
    Iterator& operator++() {
      place_ += tree_.values[place_].span;
      return *this;
    }
    bool operator!=(const Iterator& other) const { return place_ != other.place_; }

   private:
    const Tree& tree_;
    uint32_t place_;
  };

  Children(const Tree& tree, uint32_t container) : tree_(tree), container_(container) {}
  Iterator begin() const { return {tree_, container_ + 1}; }
  Iterator end() const { return {tree_, container_ + tree_.values[container_].span}; }

 private:
  const Tree& tree_;
  uint32_t container_;
};

// From below the root down to the value.
std::vector<uint32_t> way_to(const Tree& tree, uint32_t place) {
  std::vector<uint32_t> way;
  for (; place != 0; place = tree.values[place].parent) way.push_back(place);
  std::reverse(way.begin(), way.end());
  return way;
}

// For its writer. As deep as a document may be nested.
nlohmann::json to_nlohmann(const Tree& tree, uint32_t place) {
  const Value& value = tree.values[place];
  switch (value.kind) {
    case Kind::kNull:
      return nullptr;
    case Kind::kBoolean:
      return value.boolean;
    case Kind::kNegative:
      return value.negative;
    case Kind::kWhole:
      return value.whole;
    case Kind::kReal:
      return value.real;
    case Kind::kString:
      return std::string(value.text());
    case Kind::kArray: {
      auto array = nlohmann::json::array();
      for (uint32_t item : Children(tree, place)) array.push_back(to_nlohmann(tree, item));
      return array;
    }
    case Kind::kObject: {
      auto object = nlohmann::json::object();
      for (uint32_t member : Children(tree, place)) {
        object[std::string(tree.values[member].name())] = to_nlohmann(tree, member);
      }
      return object;
    }
  }
  return nullptr;
}

}  // namespace

Document::Document(std::unique_ptr<Tree> tree) : tree_(std::move(tree)) {}
Document::Document(Document&&) noexcept = default;
Document& Document::operator=(Document&&) noexcept = default;
Document::~Document() = default;

Result<Document> Document::parse(std::string_view text, const ParseOptions& options) {
  if (text.size() > std::min<size_t>(options.text_max, std::numeric_limits<uint32_t>::max())) {
    return fail(Errc::kInvalid, "{}: {} bytes of JSON, at most {} are read", options.name,
                text.size(), options.text_max);
  }
  Reading reading = read_tree(text, options.depth_max);
  switch (reading.problem) {
    case Problem::kNone:
      break;
    case Problem::kMalformed:
      return fail(Errc::kInvalid, "{}: not valid JSON at {}", options.name,
                  position_of(text, reading.offset));
    case Problem::kTooDeep:
      return fail(Errc::kInvalid, "{}: nested deeper than {} levels", options.name,
                  options.depth_max);
    case Problem::kDuplicateName:
      return fail(Errc::kInvalid, "{}: key \"{}\" stands twice in one object", options.name,
                  printable(reading.duplicate, kShownMax));
  }
  return Document(std::move(reading.tree));
}

Node Document::root() const {
  return {tree_.get(), 0};
}

const Value& Node::value() const {
  return tree_->values[place_];
}

std::string Node::path() const {
  std::string path;
  for (uint32_t place : way_to(*tree_, place_)) {
    const Value& value = tree_->values[place];
    if (tree_->values[value.parent].kind == Kind::kArray) {
      path += fmt::format("[{}]", value.index);
    } else {
      if (!path.empty()) path += '.';
      path += printable(value.name(), kShownMax);
    }
  }
  return path.empty() ? "(root)" : path;
}

std::string Node::path_of(std::string_view key) const {
  std::string above = place_ == 0 ? "" : path() + ".";
  return above + printable(key, kShownMax);
}

std::string Node::pointer() const {
  std::string pointer;
  for (uint32_t place : way_to(*tree_, place_)) {
    const Value& value = tree_->values[place];
    pointer += '/';
    if (tree_->values[value.parent].kind == Kind::kArray) {
      pointer += std::to_string(value.index);
      continue;
    }
    for (char c : value.name()) {
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
  switch (value().kind) {
    case Kind::kNull:
      return "null";
    case Kind::kBoolean:
      return "boolean";
    case Kind::kNegative:
    case Kind::kWhole:
    case Kind::kReal:
      return "number";
    case Kind::kString:
      return "string";
    case Kind::kArray:
      return "array";
    case Kind::kObject:
      return "object";
  }
  return "?";
}
bool Node::is_object() const {
  return value().kind == Kind::kObject;
}
bool Node::is_array() const {
  return value().kind == Kind::kArray;
}
bool Node::is_string() const {
  return value().kind == Kind::kString;
}
bool Node::is_number() const {
  Kind kind = value().kind;
  return kind == Kind::kNegative || kind == Kind::kWhole || kind == Kind::kReal;
}
bool Node::is_bool() const {
  return value().kind == Kind::kBoolean;
}

std::string_view Node::as_written(std::string_view text) const {
  if (!is_object() && !is_array()) return {};
  Extent extent = value().extent;
  return text.substr(extent.begin, extent.end - extent.begin);
}

std::string Node::dump() const {
  return to_nlohmann(*tree_, place_).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

tl::unexpected<Error> Node::wrong_type(const char* wanted) const {
  return fail(Errc::kInvalid, "{}: must be {}, not {}", path(), wanted,
              is_object() || is_array() ? type_name() : printable(dump(), kShownMax));
}

Result<std::string> Node::as_string() const {
  if (!is_string()) return wrong_type("a string");
  // No path, argument, variable or name can hold one: the kernel would read half of it.
  if (value().text().find('\0') != std::string::npos) {
    return fail(Errc::kInvalid, "{}: must not hold a NUL byte", path());
  }
  return std::string(value().text());
}

Result<int64_t> Node::as_i64() const {
  const Value& number = value();
  if (number.kind == Kind::kNegative) return number.negative;
  if (number.kind != Kind::kWhole) return wrong_type("a whole number");
  if (number.whole > uint64_t{INT64_MAX}) {
    return fail(Errc::kInvalid, "{}: {} is too large", path(), dump());
  }
  return static_cast<int64_t>(number.whole);
}

Result<uint64_t> Node::as_u64() const {
  if (value().kind != Kind::kWhole) return wrong_type("a whole number of at least 0");
  return value().whole;
}

Result<double> Node::as_double() const {
  const Value& number = value();
  if (number.kind == Kind::kNegative) return static_cast<double>(number.negative);
  if (number.kind == Kind::kWhole) return static_cast<double>(number.whole);
  if (number.kind != Kind::kReal) return wrong_type("a number");
  return number.real;
}

Result<bool> Node::as_bool() const {
  if (!is_bool()) return wrong_type("true or false");
  return value().boolean;
}

Result<std::vector<Node>> Node::as_array() const {
  if (!is_array()) return wrong_type("an array");
  std::vector<Node> items;
  items.reserve(value().count);
  for (uint32_t place : Children(*tree_, place_)) items.emplace_back(tree_, place);
  return items;
}

Result<std::vector<std::pair<std::string, Node>>> Node::as_object() const {
  if (!is_object()) return wrong_type("an object");
  std::vector<std::pair<std::string, Node>> members;
  members.reserve(value().count);
  for (uint32_t place : Children(*tree_, place_)) {
    const Value& member = tree_->values[place];
    if (member.kind == Kind::kNull) continue;
    members.emplace_back(member.name(), Node(tree_, place));
    if (member.name().find('\0') != std::string_view::npos) {
      return fail(Errc::kInvalid, "{}: must not hold a NUL byte", members.back().second.path());
    }
  }
  std::sort(members.begin(), members.end(),
            [](const auto& one, const auto& other) { return one.first < other.first; });
  return members;
}

Result<std::vector<std::string>> Node::as_strings() const {
  if (!is_array()) return wrong_type("an array");
  std::vector<std::string> strings;
  strings.reserve(value().count);
  for (uint32_t place : Children(*tree_, place_)) {
    std::string text = TRY(Node(tree_, place).as_string());
    strings.push_back(std::move(text));
  }
  return strings;
}

Result<std::vector<std::pair<std::string, std::string>>> Node::as_string_map() const {
  std::vector<std::pair<std::string, std::string>> map;
  for (const auto& [key, node] : TRY(as_object())) map.emplace_back(key, TRY(node.as_string()));
  return map;
}

std::optional<uint32_t> Node::find_place(std::string_view key) const {
  for (uint32_t place : Children(*tree_, place_)) {
    const Value& member = tree_->values[place];
    if (member.name() == key && member.kind != Kind::kNull) return place;
  }
  return std::nullopt;
}

std::optional<Node> Node::find(std::string_view key) const {
  if (!is_object()) return std::nullopt;
  auto place = find_place(key);
  if (!place) return std::nullopt;
  return Node(tree_, *place);
}

Result<std::optional<Node>> Node::find_in_object(std::string_view key) const {
  if (!is_object()) return wrong_type("an object");
  return find(key);
}

Result<Node> Node::at(std::string_view key) const {
  if (!is_object()) return wrong_type("an object");
  auto place = find_place(key);
  if (!place) return fail(Errc::kInvalid, "{}: is required", path_of(key));
  return Node(tree_, *place);
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

}  // namespace berth::json
