#include "base/json_tree.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <optional>

namespace berth::json {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
// A guess at how long the text of a value is, with its name and punctuation.
constexpr size_t kTextOfValue = 8;
// Up to so many names are compared each with each, which is faster than to sort them.
constexpr size_t kFewNames = 16;
constexpr size_t kSurrogateHigh = 0xd800;
constexpr size_t kSurrogateLow = 0xdc00;
constexpr size_t kSurrogateEnd = 0xe000;

bool is_space(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

// Stands for itself within a string, and is ASCII.
bool is_plain(char c) {
  auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x80 && c != '"' && c != '\\';
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// How many bytes the character at `at` has; 0 when it is not valid UTF-8 (RFC 3629). The text ends
// with a NUL, which is no part of any.
size_t character_length(const unsigned char* at) {
  auto follows = [&](size_t index, unsigned from, unsigned to) {
    return at[index] >= from && at[index] <= to;
  };
  unsigned first = at[0];
  if (first < 0x80) return 1;
  if (first < 0xc2) return 0;
  if (first < 0xe0) return follows(1, 0x80, 0xbf) ? 2 : 0;
  if (first < 0xf0) {
    unsigned from = first == 0xe0 ? 0xa0 : 0x80;
    unsigned to = first == 0xed ? 0x9f : 0xbf;  // no surrogates
    return follows(1, from, to) && follows(2, 0x80, 0xbf) ? 3 : 0;
  }
  if (first > 0xf4) return 0;
  unsigned from = first == 0xf0 ? 0x90 : 0x80;
  unsigned to = first == 0xf4 ? 0x8f : 0xbf;  // no more than U+10FFFF
  return follows(1, from, to) && follows(2, 0x80, 0xbf) && follows(3, 0x80, 0xbf) ? 4 : 0;
}

char* append_utf8(char* out, size_t code) {
  auto put = [&](size_t byte) { *out++ = static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | code >> 6);
    put(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    put(0xe0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  } else {
    put(0xf0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3f));
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  }
  return out;
}

class Reader {
 public:
  Reader(Tree& tree, size_t depth_max)
      : tree_(tree), begin_(tree.text.data()), at_(begin_), depth_max_(depth_max) {}

  // Leaves the reason in `problem` when it is false.
  bool read();

  Problem problem = Problem::kNone;
  std::string duplicate;
  size_t offset() const { return static_cast<size_t>(at_ - begin_); }

 private:
  bool malformed() {
    problem = Problem::kMalformed;
    return false;
  }
  Value& at(uint32_t place) { return tree_.values[place]; }
  void skip_spaces() {
    while (is_space(*at_)) ++at_;
  }
  bool take(char c) {
    if (*at_ != c) return false;
    ++at_;
    return true;
  }

  bool value(std::string_view name);
  bool open(uint32_t place);
  bool word(std::string_view text);
  bool number(Value& value);
  bool string(std::string_view& text);
  bool unescape(char*& out);
  std::optional<size_t> code_unit();
  bool member();
  bool go_on();
  bool names_differ(uint32_t object);

  Tree& tree_;
  char* begin_;
  char* at_;  // stops at the NUL behind the text, which nothing allows
  size_t depth_max_;
  size_t depth_ = 0;
  uint32_t container_ = 0;  // the innermost open one, when depth_ is above 0
};

// No recursion: how deep the text is nested costs no stack.
bool Reader::read() {
  if (std::string_view(tree_.text).starts_with(kByteOrderMark)) at_ += kByteOrderMark.size();
  skip_spaces();
  if (!value({})) return false;
  while (depth_ > 0) {
    if (!go_on()) return false;
  }
  skip_spaces();
  return offset() == tree_.text.size() ? true : malformed();
}

// One scalar, or the opening of a container.
bool Reader::value(std::string_view name) {
  Value made;
  std::string_view text;
  made.name_begin = name.data();
  made.name_bytes = static_cast<uint32_t>(name.size());
  auto place = static_cast<uint32_t>(tree_.values.size());
  if (depth_ > 0) {
    made.parent = container_;
    made.index = at(container_).count++;
  }
  switch (*at_) {
    case '{':
      made.kind = Kind::kObject;
      break;
    case '[':
      made.kind = Kind::kArray;
      break;
    case '"':
      made.kind = Kind::kString;
      if (!string(text)) return false;
      made.text_begin = text.data();
      made.count = static_cast<uint32_t>(text.size());
      break;
    case 't':
    case 'f':
      made.kind = Kind::kBoolean;
      made.boolean = *at_ == 't';
      if (!word(made.boolean ? "true" : "false")) return false;
      break;
    case 'n':
      if (!word("null")) return false;
      break;
    default:
      if (!number(made)) return false;
  }
  tree_.values.push_back(made);
  bool opens = made.kind == Kind::kObject || made.kind == Kind::kArray;
  return opens ? open(place) : true;
}

bool Reader::open(uint32_t place) {
  at(place).extent.begin = static_cast<uint32_t>(offset());
  ++at_;
  container_ = place;
  if (++depth_ <= depth_max_) return true;
  problem = Problem::kTooDeep;
  return false;
}

bool Reader::word(std::string_view text) {
  for (char c : text) {
    if (!take(c)) return malformed();
  }
  return true;
}

bool Reader::member() {
  std::string_view name;
  if (*at_ != '"') return malformed();
  if (!string(name)) return false;
  skip_spaces();
  if (!take(':')) return malformed();
  skip_spaces();
  return value(name);
}

// In a container, before its first value or behind one: what closes it, or the next value.
bool Reader::go_on() {
  skip_spaces();
  bool is_object = at(container_).kind == Kind::kObject;
  if (take(is_object ? '}' : ']')) {
    if (is_object && !names_differ(container_)) return false;
    Value& closed = at(container_);
    closed.span = static_cast<uint32_t>(tree_.values.size()) - container_;
    closed.extent.end = static_cast<uint32_t>(offset());
    container_ = closed.parent;
    --depth_;
    return true;
  }
  if (at(container_).count > 0) {
    if (!take(',')) return malformed();
    skip_spaces();
  }
  return is_object ? member() : value({});
}

bool Reader::number(Value& value) {
  char* start = at_;
  bool is_negative = take('-');
  if (!is_digit(*at_)) return malformed();
  if (!take('0')) {
    while (is_digit(*at_)) ++at_;
  }
  bool is_whole = true;
  if (take('.')) {
    is_whole = false;
    if (!is_digit(*at_)) return malformed();
    while (is_digit(*at_)) ++at_;
  }
  if (*at_ == 'e' || *at_ == 'E') {
    is_whole = false;
    ++at_;
    if (!take('+')) (void)take('-');
    if (!is_digit(*at_)) return malformed();
    while (is_digit(*at_)) ++at_;
  }
  if (is_whole && is_negative) {
    value.kind = Kind::kNegative;
    if (std::from_chars(start, at_, value.negative).ec == std::errc()) return true;
  } else if (is_whole) {
    value.kind = Kind::kWhole;
    if (std::from_chars(start, at_, value.whole).ec == std::errc()) return true;
  }
  value.kind = Kind::kReal;
  value.real = std::strtod(start, nullptr);  // from_chars has no answer to 1e-999
  if (std::isfinite(value.real)) return true;
  at_ = start;
  return malformed();
}

// The opening quote is at_; the text is what the escapes mean.
bool Reader::string(std::string_view& text) {
  ++at_;
  char* start = at_;
  char* out = at_;
  while (*at_ != '"') {
    if (*at_ == '\\') {
      if (!unescape(out)) return malformed();
      continue;
    }
    if (out == at_ && is_plain(*at_)) {
      out = ++at_;
      continue;
    }
    if (static_cast<unsigned char>(*at_) < 0x20) return malformed();
    size_t length = character_length(reinterpret_cast<unsigned char*>(at_));
    if (length == 0) return malformed();
    if (out != at_) std::memmove(out, at_, length);
    out += length;
    at_ += length;
  }
  ++at_;
  text = {start, static_cast<size_t>(out - start)};
  return true;
}

// An escape is never shorter than what it means.
bool Reader::unescape(char*& out) {
  constexpr std::string_view kNames = "\"\\/bfnrt";
  constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
  ++at_;
  if (!take('u')) {
    size_t which = kNames.find(*at_);
    if (which == std::string_view::npos) return false;
    ++at_;
    *out++ = kMeanings[which];
    return true;
  }
  auto unit = code_unit();
  if (!unit) return false;
  size_t code = *unit;
  if (code >= kSurrogateLow && code < kSurrogateEnd) return false;
  if (code >= kSurrogateHigh && code < kSurrogateLow) {
    if (!take('\\') || !take('u')) return false;
    auto low = code_unit();
    if (!low || *low < kSurrogateLow || *low >= kSurrogateEnd) return false;
    code = 0x10000 + ((code - kSurrogateHigh) << 10) + (*low - kSurrogateLow);
  }
  out = append_utf8(out, code);
  return true;
}

std::optional<size_t> Reader::code_unit() {
  size_t code = 0;
  for (int digit = 0; digit < 4; ++digit) {
    char c = *at_;
    size_t value = 0;
    if (is_digit(c)) {
      value = static_cast<size_t>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      value = static_cast<size_t>(c - 'a') + 10;
    } else if (c >= 'A' && c <= 'F') {
      value = static_cast<size_t>(c - 'A') + 10;
    } else {
      return std::nullopt;
    }
    code = code << 4 | value;
    ++at_;
  }
  return code;
}

bool Reader::names_differ(uint32_t object) {
  uint32_t end = static_cast<uint32_t>(tree_.values.size());
  auto report = [&](std::string_view name) {
    duplicate = name;
    problem = Problem::kDuplicateName;
    return false;
  };
  if (at(object).count <= kFewNames) {
    for (uint32_t one = object + 1; one < end; one += at(one).span) {
      for (uint32_t other = one + at(one).span; other < end; other += at(other).span) {
        if (at(one).name() == at(other).name()) return report(at(one).name());
      }
    }
    return true;
  }
  std::vector<std::string_view> names;
  names.reserve(at(object).count);
  for (uint32_t one = object + 1; one < end; one += at(one).span) names.push_back(at(one).name());
  std::sort(names.begin(), names.end());
  auto twice = std::adjacent_find(names.begin(), names.end());
  return twice == names.end() ? true : report(*twice);
}

}  // namespace

bool is_utf8(std::string_view text) {
  std::string ended(text);  // a character that is cut off meets the NUL
  const auto* at = reinterpret_cast<const unsigned char*>(ended.data());
  for (const auto* end = at + ended.size(); at < end;) {
    size_t length = character_length(at);
    if (length == 0) return false;
    at += length;
  }
  return true;
}

Reading read_tree(std::string_view text, size_t depth_max) {
  Reading reading;
  reading.tree = std::make_unique<Tree>();
  reading.tree->text = text;
  reading.tree->values.reserve(text.size() / kTextOfValue + 1);
  Reader reader(*reading.tree, depth_max);
  if (reader.read()) return reading;
  reading.problem = reader.problem;
  reading.offset = reader.offset();
  reading.duplicate = std::move(reader.duplicate);
  return reading;
}

}  // namespace berth::json
