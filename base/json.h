// A JSON reader that knows where it is: every error names the path of the field it is about, as
// botocore writes it ("containerDefinitions[0].cpu") or as a JSON pointer (RFC 6901).
//
//   auto document = TRY(json::Document::parse(text, {.name = "task.json"}));
//   json::Node root = document.root();
//   auto family = TRY(root.string_at("family"));
//
// Writing needs no reader: source files that build JSON include nlohmann/json.hpp themselves.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace berth::json {

constexpr size_t kTextMax = 4 * 1024 * 1024;
constexpr size_t kDepthMax = 64;

struct ParseOptions {
  std::string name = "json";   // what the text is, for errors: a file name
  size_t text_max = kTextMax;  // bytes
  size_t depth_max = kDepthMax;
};

struct Tree;
struct Value;
class Node;

// Owns the parsed text. Nodes borrow from it and must not outlive it.
class Document {
 public:
  // Errors: kInvalid with line and column for malformed text, a duplicate key, too large or too
  // deep a text.
  static Result<Document> parse(std::string_view text, const ParseOptions& options);

  Document(Document&&) noexcept;
  Document& operator=(Document&&) noexcept;
  ~Document();

  Node root() const;

 private:
  explicit Document(std::unique_ptr<Tree> tree);
  std::unique_ptr<Tree> tree_;
};

// One value, which knows the way to it. A JSON null counts as absent everywhere, as in AWS's
// protocols.
class Node {
 public:
  Node(const Tree* tree, uint32_t place) : tree_(tree), place_(place) {}

  // "containerDefinitions[0].cpu"; "(root)" for the root.
  std::string path() const;
  // "/containerDefinitions/0/cpu"; "" for the root.
  std::string pointer() const;

  // "object", "array", "string", "number", "boolean" or "null".
  const char* type_name() const;
  bool is_object() const;
  bool is_array() const;
  bool is_string() const;
  bool is_number() const;
  bool is_bool() const;
  // An object or array as it stands in `text`, which must be what was parsed; "" of other values.
  std::string_view as_written(std::string_view text) const;
  // The value as compact JSON text.
  std::string dump() const;

  // The value as a C++ type; kInvalid "path: must be a string, not 1" otherwise. Strings and names
  // of members with a NUL byte are refused.
  Result<std::string> as_string() const;
  Result<int64_t> as_i64() const;
  Result<uint64_t> as_u64() const;
  Result<double> as_double() const;
  Result<bool> as_bool() const;
  Result<std::vector<Node>> as_array() const;
  Result<std::vector<std::pair<std::string, Node>>> as_object() const;
  Result<std::vector<std::string>> as_strings() const;
  // Members as name -> string, in text order of the names.
  Result<std::vector<std::pair<std::string, std::string>>> as_string_map() const;

  // A member of an object; nothing when absent, null, or when this is no object.
  std::optional<Node> find(std::string_view key) const;
  // A member that must be there: kInvalid "path.key: is required".
  Result<Node> at(std::string_view key) const;

  // find/at and a conversion in one; kInvalid when this is no object.
  Result<std::string> string_at(std::string_view key) const;
  Result<int64_t> i64_at(std::string_view key) const;
  Result<std::optional<std::string>> find_string(std::string_view key) const;
  Result<std::optional<int64_t>> find_i64(std::string_view key) const;
  Result<std::optional<uint64_t>> find_u64(std::string_view key) const;
  Result<std::optional<bool>> find_bool(std::string_view key) const;
  // Absent gives an empty list.
  Result<std::vector<Node>> find_array(std::string_view key) const;
  Result<std::vector<std::string>> find_strings(std::string_view key) const;

  // kInvalid that names the first member which is not in `known`.
  Status only(std::initializer_list<std::string_view> known) const;

 private:
  const Value& value() const;
  std::optional<uint32_t> find_place(std::string_view key) const;
  std::string path_of(std::string_view key) const;
  Result<std::optional<Node>> find_in_object(std::string_view key) const;
  tl::unexpected<Error> wrong_type(const char* wanted) const;

  const Tree* tree_;
  uint32_t place_;  // in the tree
};

}  // namespace berth::json
