#include "logs/pattern_value.h"

#include "base/text.h"

#include <fmt/format.h>

#include <array>
#include <charconv>

namespace berth::logs {
namespace {

bool is_pattern_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool is_word_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// A star stands for any text. In proportion to the two lengths at worst: each star goes back to the
// last one only.
bool matches_stars(std::string_view text, std::string_view pattern) {
  size_t t = 0;
  size_t p = 0;
  size_t star = std::string_view::npos;
  size_t resumed = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resumed = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++resumed;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace

std::optional<double> parse_number(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  bool begins = !text.empty() && (text[0] == '-' || text[0] == '.' || is_word_letter(text[0]));
  double number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  bool is_whole = begins && error == std::errc() && end == text.data() + text.size();
  bool is_finite = number - number == 0;
  return is_whole && is_finite ? std::optional(number) : std::nullopt;
}

void PatternText::skip_spaces() {
  while (!is_at_end() && is_pattern_space(text_[at_])) ++at_;
}

bool PatternText::take(std::string_view word) {
  if (!text_.substr(at_).starts_with(word)) return false;
  at_ += word.size();
  return true;
}

bool PatternText::take_word(std::string_view word) {
  std::string_view rest = text_.substr(at_);
  bool is_word = to_lower(rest.substr(0, word.size())) == to_lower(word);
  bool is_whole = rest.size() <= word.size() || !is_word_letter(rest[word.size()]);
  if (!is_word || !is_whole) return false;
  at_ += word.size();
  return true;
}

std::string PatternText::take_until(std::string_view ends) {
  size_t begin = at_;
  while (!is_at_end() && !is_pattern_space(text_[at_]) &&
         ends.find(text_[at_]) == std::string_view::npos) {
    ++at_;
  }
  return std::string(text_.substr(begin, at_ - begin));
}

Result<std::string> PatternText::take_quoted() {
  std::string quoted;
  while (!is_at_end()) {
    char c = text_[at_++];
    if (c == '"') return quoted;
    bool hides = c == '\\' && !is_at_end() && (text_[at_] == '"' || text_[at_] == '\\');
    quoted += hides ? text_[at_++] : c;
  }
  return wrong("a quote is not closed");
}

std::optional<Comparison> PatternText::take_comparison() {
  constexpr std::array<std::pair<std::string_view, Comparison>, 6> kComparisons = {
      std::pair<std::string_view, Comparison>{"!=", Comparison::kNotEqual},
      {"<=", Comparison::kLessOrEqual},
      {">=", Comparison::kGreaterOrEqual},
      {"=", Comparison::kEqual},
      {"<", Comparison::kLess},
      {">", Comparison::kGreater}};
  for (const auto& [sign, comparison] : kComparisons) {
    if (take(sign)) return comparison;
  }
  return std::nullopt;
}

Result<PatternValue> PatternText::take_value(std::string_view ends) {
  PatternValue value;
  if (take("\"")) {
    value.text = TRY(take_quoted());
    return value;
  }
  if (take("%")) {
    size_t end = text_.find('%', at_);
    if (end == std::string_view::npos) return wrong("a '%' is not closed");
    value.text = text_.substr(at_, end - at_);
    value.expression = std::make_shared<Pattern>(TRY(Pattern::parse(value.text)));
    at_ = end + 1;
    return value;
  }
  value.text = take_until(ends);
  if (value.text.empty()) return wrong("a value is missing");
  value.number = parse_number(value.text);
  return value;
}

tl::unexpected<Error> PatternText::wrong(std::string_view what) const {
  return fail(Errc::kInvalid, "Invalid filter pattern: {} at character {}", what, at_ + 1);
}

bool compare_number(double field, Comparison comparison, double value) {
  switch (comparison) {
    case Comparison::kEqual:
      return field == value;
    case Comparison::kNotEqual:
      return field != value;
    case Comparison::kLess:
      return field < value;
    case Comparison::kLessOrEqual:
      return field <= value;
    case Comparison::kGreater:
      return field > value;
    case Comparison::kGreaterOrEqual:
      return field >= value;
  }
  return false;
}

bool compare_text(const std::string& field, Comparison comparison, const PatternValue& value) {
  if (value.number) {
    if (auto number = parse_number(field))
      return compare_number(*number, comparison, *value.number);
  }
  bool is_same =
      value.expression ? value.expression->matches(field) : matches_stars(field, value.text);
  if (comparison == Comparison::kEqual) return is_same;
  return comparison == Comparison::kNotEqual && !is_same;
}

}  // namespace berth::logs
