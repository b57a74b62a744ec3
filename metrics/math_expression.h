// MathExpression: what a metric math expression says, as a tree. Pure.
//
//   errors / requests * 100            IF(m1 > 5 AND HOUR(m1) < 17, m1, 0)
//   SUM(METRICS("lat"))                FILL([m1, e2], REPEAT) ^ 2
//
//   from loose to tight: OR ||, AND &&, == != < <= > >=, + -, * /, the unary minus, ^ (from the
//   right), and parentheses; [a, b] is an array
//   ids begin with a small letter; functions are in capitals, and which there are metrics/
//   math_functions.h says
#pragma once

#include "base/result.h"

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace berth::metrics {

constexpr size_t kMathTextMax = 2048;  // bytes
constexpr size_t kMathDepthMax = 100;  // of what stands in each other

struct MathTerm {
  enum class Kind : uint8_t {
    kNumber,
    kText,  // "errors", in quotes
    kId,    // of a metric or of another expression
    kWord,  // REPEAT, ASC, AVG: a choice for a function
    kCall,
    kOperator,  // of two terms
    kMinus,     // of one
    kArray,
  };
  Kind kind = Kind::kNumber;
  double number = 0;   // kNumber
  std::string text{};  // of the others: what it is called; "&&" is "AND" and "||" is "OR"
  std::vector<MathTerm> terms{};  // what it is about
};

// One tree, however often the expression is copied: it is up to eighty times its text.
class MathExpression {
 public:
  // kInvalid says what is wrong, and where.
  static Result<MathExpression> parse(std::string_view text);

  const MathTerm& root() const { return tree_->root; }
  const std::set<std::string>& ids() const { return tree_->ids; }
  // Functions by name.
  const std::set<std::string>& calls() const { return tree_->calls; }

 private:
  friend class MathReader;
  struct Tree {
    MathTerm root{};
    std::set<std::string> ids{};
    std::set<std::string> calls{};
  };
  std::shared_ptr<const Tree> tree_ = std::make_shared<const Tree>();
};

}  // namespace berth::metrics
