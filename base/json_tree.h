// JSON text as a flat array of values: what stands behind json::Document.
//
//   {"a": [1, "x"], "b": true}     0 object   takes 5 places
//                                  1 array    "a", takes 3
//                                  2 whole
//                                  3 string
//                                  4 boolean  "b"
//
// The values stand in the order of the text, each container before what is in it, so reading needs
// one growing array and one copy of the text, in which escapes are undone in place; strings and
// names are views of that copy. (A tree of small allocations was a tenth of the time in which
// berth-oci makes a container.)
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace berth::json {

// RFC 3629: what a JSON text can carry.
bool is_utf8(std::string_view text);

enum class Kind : uint8_t {
  kNull,
  kBoolean,
  kNegative,  // a whole number with a minus before it
  kWhole,
  kReal,  // with a fraction, an exponent, or more digits than 64 bits hold
  kString,
  kArray,
  kObject,
};

// Where a container stands in the text, from its bracket to behind the one that closes it.
struct Extent {
  uint32_t begin;
  uint32_t end;
};

struct Value {
  Kind kind = Kind::kNull;
  uint32_t parent = 0;  // its place; the root is its own
  uint32_t index = 0;   // among the values of its parent
  uint32_t count = 0;   // of the values of a container, of the bytes of a string
  uint32_t span = 1;    // how many places it takes with all that is in it
  uint32_t name_bytes = 0;
  const char* name_begin = nullptr;  // of a member
  union {
    bool boolean;
    int64_t negative;
    uint64_t whole = 0;
    double real;
    const char* text_begin;
    Extent extent;
  };

  std::string_view name() const { return {name_begin, name_bytes}; }
  std::string_view text() const { return {text_begin, count}; }
};

struct Tree {
  Tree() = default;
  Tree(const Tree&) = delete;  // the values hold views of the text
  Tree& operator=(const Tree&) = delete;

  std::string text;
  std::vector<Value> values;
};

enum class Problem { kNone, kMalformed, kTooDeep, kDuplicateName };

struct Reading {
  std::unique_ptr<Tree> tree;
  Problem problem = Problem::kNone;
  size_t offset = 0;      // in the text, of what is malformed
  std::string duplicate;  // the name that stands twice in one object
};

// RFC 8259 to the letter, in UTF-8; a byte order mark at the front is passed over. The text is at
// most 4 GiB. Containers may be nested `depth_max` deep.
Reading read_tree(std::string_view text, size_t depth_max);

}  // namespace berth::json
