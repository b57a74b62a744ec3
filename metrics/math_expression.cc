#include "metrics/math_expression.h"

#include "base/text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <span>
#include <utility>

namespace berth::metrics {
namespace {

constexpr std::string_view kMathSpaces = " \t\r\n";
constexpr size_t kMathShownMax = 40;

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_math_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_name_part(char c) {
  return is_letter(c) || is_math_digit(c) || c == '_';
}

// What is written, and what it is called. Of those that begin alike, the longer one is first.
using MathSign = std::pair<std::string_view, std::string_view>;
constexpr std::array<MathSign, 2> kOrSigns = {MathSign{"||", "OR"}, {"OR", "OR"}};
constexpr std::array<MathSign, 2> kAndSigns = {MathSign{"&&", "AND"}, {"AND", "AND"}};
constexpr std::array<MathSign, 6> kCompareSigns = {MathSign{"==", "=="}, {"!=", "!="}, {"<=", "<="},
                                                   {">=", ">="},         {"<", "<"},   {">", ">"}};
constexpr std::array<MathSign, 2> kSumSigns = {MathSign{"+", "+"}, {"-", "-"}};
constexpr std::array<MathSign, 2> kProductSigns = {MathSign{"*", "*"}, {"/", "/"}};
// From loose to tight.
constexpr std::array<std::span<const MathSign>, 5> kMathLevels = {
    std::span<const MathSign>(kOrSigns), kAndSigns, kCompareSigns, kSumSigns, kProductSigns};

constexpr std::array<std::string_view, 8> kMathWords = {"REPEAT", "LINEAR", "ASC", "DESC",
                                                        "AVG",    "MIN",    "MAX", "SUM"};

}  // namespace

// By recursive descent.
class MathReader {
 public:
  explicit MathReader(std::string_view text) : text_(text) {}

  Result<MathExpression> read() {
    tree_.root = TRY(read_level(0, 0));
    skip_spaces();
    if (at_ < text_.size()) return wrong("an operator or the end of the expression");
    MathExpression expression;
    expression.tree_ = std::make_shared<const MathExpression::Tree>(std::move(tree_));
    return expression;
  }

 private:
  using Kind = MathTerm::Kind;

  void skip_spaces() { at_ = std::min(text_.find_first_not_of(kMathSpaces, at_), text_.size()); }

  tl::unexpected<Error> wrong(const char* wanted) const {
    std::string found = at_ < text_.size() ? "'" + printable(text_.substr(at_), kMathShownMax) + "'"
                                           : std::string("the end");
    return fail(Errc::kInvalid, "expected {} at character {}, not {}", wanted, at_ + 1, found);
  }

  bool take(std::string_view sign) {
    skip_spaces();
    if (!text_.substr(at_).starts_with(sign)) return false;
    size_t end = at_ + sign.size();
    bool is_cut = is_letter(sign.front()) && end < text_.size() && is_name_part(text_[end]);
    if (is_cut) return false;  // "ORDER" is no OR
    at_ = end;
    return true;
  }

  std::optional<std::string> take_one_of(std::span<const MathSign> signs) {
    for (const auto& [written, called] : signs) {
      if (take(written)) return std::string(called);
    }
    return std::nullopt;
  }

  std::string_view take_name() {
    size_t start = at_;
    while (at_ < text_.size() && is_name_part(text_[at_])) ++at_;
    return text_.substr(start, at_ - start);
  }

  static MathTerm operation(std::string sign, MathTerm left, MathTerm right) {
    MathTerm term{.kind = Kind::kOperator, .text = std::move(sign)};
    term.terms.push_back(std::move(left));
    term.terms.push_back(std::move(right));
    return term;
  }

  // Of what stands in each other; how long a sum may be, the length of the text says.
  Status count(size_t depth) const {
    if (depth <= kMathDepthMax) return {};
    return fail(Errc::kInvalid, "the expression is nested deeper than {}", kMathDepthMax);
  }

  Result<MathTerm> read_level(size_t level, size_t depth) {
    if (level == kMathLevels.size()) return read_minus(depth);
    TRY(count(depth));
    MathTerm left = TRY(read_level(level + 1, depth));
    while (auto sign = take_one_of(kMathLevels[level])) {
      left = operation(*sign, std::move(left), TRY(read_level(level + 1, depth)));
    }
    return left;
  }

  Result<MathTerm> read_minus(size_t depth) {
    TRY(count(depth));
    if (!take("-")) return read_power(depth);
    MathTerm term{.kind = Kind::kMinus, .text = "-"};
    term.terms.push_back(TRY(read_minus(depth + 1)));
    return term;
  }

  Result<MathTerm> read_power(size_t depth) {
    MathTerm base = TRY(read_primary(depth));
    if (!take("^")) return base;
    return operation("^", std::move(base), TRY(read_minus(depth + 1)));
  }

  Result<MathTerm> read_primary(size_t depth) {
    skip_spaces();
    if (take("(")) {
      MathTerm inner = TRY(read_level(0, depth + 1));
      if (!take(")")) return wrong("an operator or ')'");
      return inner;
    }
    if (take("[")) return read_list({.kind = Kind::kArray, .text = "[]"}, "]", depth);
    char c = at_ < text_.size() ? text_[at_] : '\0';
    if (is_math_digit(c) || c == '.') return read_number();
    if (c == '"' || c == '\'') return read_text(c);
    if (is_letter(c)) return read_name(depth);
    return wrong("a number, an id, a function, '[' or '('");
  }

  Result<MathTerm> read_number() {
    MathTerm term{.kind = Kind::kNumber};
    const char* begin = text_.data() + at_;
    auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), term.number);
    if (error != std::errc()) return wrong("a number");
    at_ += static_cast<size_t>(end - begin);
    bool is_cut = at_ < text_.size() && (is_name_part(text_[at_]) || text_[at_] == '.');
    if (is_cut) return wrong("an operator behind the number");
    return term;
  }

  Result<MathTerm> read_text(char quote) {
    size_t end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) return wrong("a text with a quote at its end");
    MathTerm term{.kind = Kind::kText, .text = std::string(text_.substr(at_ + 1, end - at_ - 1))};
    at_ = end + 1;
    return term;
  }

  Result<MathTerm> read_name(size_t depth) {
    size_t start = at_;
    std::string name(take_name());
    if (take("(")) {
      tree_.calls.insert(name);
      return read_list({.kind = Kind::kCall, .text = std::move(name)}, ")", depth);
    }
    if (name[0] >= 'a' && name[0] <= 'z') {
      tree_.ids.insert(name);
      return MathTerm{.kind = Kind::kId, .text = std::move(name)};
    }
    if (std::ranges::find(kMathWords, name) != kMathWords.end()) {
      return MathTerm{.kind = Kind::kWord, .text = std::move(name)};
    }
    at_ = start;
    return wrong("an id (it begins with a small letter) or a function with its parentheses");
  }

  Result<MathTerm> read_list(MathTerm list, std::string_view end, size_t depth) {
    if (take(end)) return list;
    do {
      list.terms.push_back(TRY(read_level(0, depth + 1)));
    } while (take(","));
    if (!take(end)) return wrong(end == "]" ? "',' or ']'" : "',' or ')'");
    return list;
  }

  std::string_view text_;
  size_t at_ = 0;
  MathExpression::Tree tree_{};
};

Result<MathExpression> MathExpression::parse(std::string_view text) {
  if (text.size() > kMathTextMax) {
    return fail(Errc::kInvalid, "the expression has {} characters, and may have {}", text.size(),
                kMathTextMax);
  }
  return MathReader(text).read();
}

}  // namespace berth::metrics
