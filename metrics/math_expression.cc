#include "metrics/math_expression.h"

#include "metrics/text_reader.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <span>
#include <utility>

namespace berth::metrics {
namespace {

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
class MathReader : private TextReader {
 public:
  explicit MathReader(std::string_view text) : TextReader(text, {}) {}

  Result<MathExpression> read() {
    tree_.root = TRY(read_level(0, 0));
    skip_spaces();
    if (!is_at_end()) return wrong("an operator or the end of the expression");
    MathExpression expression;
    expression.tree_ = std::make_shared<const MathExpression::Tree>(std::move(tree_));
    return expression;
  }

 private:
  using Kind = MathTerm::Kind;

  bool take(std::string_view sign) {
    skip_spaces();
    if (!rest().starts_with(sign)) return false;
    std::string_view behind = rest().substr(sign.size());
    bool is_cut = is_letter(sign.front()) && !behind.empty() && is_name_part(behind.front());
    if (is_cut) return false;  // "ORDER" is no OR
    skip(sign.size());
    return true;
  }

  std::optional<std::string> take_one_of(std::span<const MathSign> signs) {
    for (const auto& [written, called] : signs) {
      if (take(written)) return std::string(called);
    }
    return std::nullopt;
  }

  std::string_view peek_name() const {
    auto end = std::ranges::find_if_not(rest(), is_name_part);
    return rest().substr(0, static_cast<size_t>(end - rest().begin()));
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
    char c = next();
    if (is_math_digit(c) || c == '.') return read_number();
    if (c == '"' || c == '\'') return read_text(c);
    if (is_letter(c)) return read_name(depth);
    return wrong("a number, an id, a function, '[' or '('");
  }

  Result<MathTerm> read_number() {
    MathTerm term{.kind = Kind::kNumber};
    std::string_view text = rest();
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), term.number);
    if (error != std::errc()) return wrong("a number");
    skip(static_cast<size_t>(end - text.data()));
    bool is_cut = is_name_part(next()) || next() == '.';
    if (is_cut) return wrong("an operator behind the number");
    return term;
  }

  Result<MathTerm> read_text(char quote) {
    std::string_view behind = rest().substr(1);
    size_t end = behind.find(quote);
    if (end == std::string_view::npos) return wrong("a text with a quote at its end");
    MathTerm term{.kind = Kind::kText, .text = std::string(behind.substr(0, end))};
    skip(end + 2);
    return term;
  }

  Result<MathTerm> read_name(size_t depth) {
    const TextReader before = *this;
    std::string name(peek_name());
    skip(name.size());
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
    return before.wrong("an id (it begins with a small letter) or a function with its parentheses");
  }

  Result<MathTerm> read_list(MathTerm list, std::string_view end, size_t depth) {
    if (take(end)) return list;
    do {
      list.terms.push_back(TRY(read_level(0, depth + 1)));
    } while (take(","));
    if (!take(end)) return wrong(end == "]" ? "',' or ']'" : "',' or ')'");
    return list;
  }

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
