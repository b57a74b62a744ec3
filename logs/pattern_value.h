// Comparisons that filter patterns of JSON and of columns share: "$.status >= 400", "w = ERR*".
#pragma once

#include "base/pattern.h"
#include "base/result.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace berth::logs {

enum class Comparison { kEqual, kNotEqual, kLess, kLessOrEqual, kGreater, kGreaterOrEqual };

// What a field is compared with: a number, or a text in which a star stands for anything, or an
// expression between two percent signs.
struct PatternValue {
  std::string text;
  std::optional<double> number;         // when it is one that is not quoted
  std::shared_ptr<Pattern> expression;  // shared: values are copied with the tree they are in
};

// A whole number or a fraction, with an exponent or without; nothing else.
std::optional<double> parse_number(std::string_view text);

// Where a pattern is being read. Errors are kInvalid and say at which character.
class PatternText {
 public:
  explicit PatternText(std::string_view text) : text_(text) {}

  void skip_spaces();
  bool is_at_end() const { return at_ == text_.size(); }
  char next() const { return is_at_end() ? '\0' : text_[at_]; }
  // Whether the text goes on with it; then it is behind it.
  bool take(std::string_view word);
  // The same of a word, in capital letters or small ones, that ends there.
  bool take_word(std::string_view word);
  // Up to the next character that `ends` has, spaces too.
  std::string take_until(std::string_view ends);
  // Behind a quote: up to the next one; a backslash hides a quote or a backslash.
  Result<std::string> take_quoted();
  std::optional<Comparison> take_comparison();
  // A value behind a comparison.
  Result<PatternValue> take_value(std::string_view ends);
  tl::unexpected<Error> wrong(std::string_view what) const;

 private:
  std::string_view text_;
  size_t at_ = 0;
};

bool compare_text(const std::string& field, Comparison comparison, const PatternValue& value);
bool compare_number(double field, Comparison comparison, double value);

}  // namespace berth::logs
