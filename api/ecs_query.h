// Query: an expression of ECS's cluster query language, which chooses container instances.
//
//   attribute:ecs.os-type == linux and not (attribute:stack in [test, staging])
//   task:group == family:web      runningTasksCount > 2      attribute:zone =~ eu-.*
//
// Values are compared as numbers where both are. Of a subject with several values (task:group) one
// that fits is enough; with !=, !in and !~ none may fit.
#pragma once

#include "base/pattern.h"
#include "base/result.h"

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace berth::api::ecs {

constexpr size_t kQueryMax = 2000;     // characters
constexpr size_t kQueryDepthMax = 32;  // of parentheses and nots

// "attribute:stack" -> its value; what is not there has no value.
using QueryFacts = std::multimap<std::string, std::string>;

class Query {
 public:
  // kInvalid with what is wrong and where.
  static Result<Query> parse(std::string_view text);
  Query(Query&&) noexcept;
  Query& operator=(Query&&) noexcept;
  ~Query();

  bool matches(const QueryFacts& facts) const;

  struct Term;

 private:
  explicit Query(std::unique_ptr<Term> term);
  std::unique_ptr<Term> term_;
};

}  // namespace berth::api::ecs
