// Rules that run tasks by the clock, as EventBridge keeps them, and the book of all.
//
//   record kind    key           body
//   event-rule     its name      a Rule with its targets
#pragma once

#include "base/env.h"
#include "base/result.h"
#include "scheduler/record_store.h"

#include <map>
#include <string>
#include <vector>

namespace berth::scaling {

constexpr size_t kRulesMax = 300;
constexpr size_t kRuleTargetsMax = 5;

struct RuleTarget {
  std::string id{};
  std::string arn{};  // of a cluster
  std::string role_arn{};
  std::string input{};       // "", or RunTask's overrides
  std::string ecs_json{};    // EcsParameters, as they were put
  std::string retry_json{};  // RetryPolicy, likewise; "" for none
  bool operator==(const RuleTarget&) const = default;
};

struct Rule {
  std::string name{};
  std::string schedule{};
  std::string description{};
  std::string role_arn{};
  bool is_enabled = true;
  std::map<std::string, std::string> tags{};
  std::vector<RuleTarget> targets{};
  WallTime begun_at{};  // when it was made or enabled, or had another schedule: rates count from it
  bool operator==(const Rule&) const = default;
};

scheduler::Record record_of(const Rule& rule);
Result<Rule> parse_rule_record(const scheduler::Record& record);

class RuleBook {
 public:
  // Borrows `records`.
  static Result<RuleBook> open(scheduler::RecordStore& records);

  const std::map<std::string, Rule>& rules() const { return rules_; }
  // Null when there is none.
  const Rule* find(const std::string& name) const;
  // Durable when they return, or nothing has changed.
  Status put(const Rule& rule);
  Status remove(const std::string& name);

 private:
  explicit RuleBook(scheduler::RecordStore& records) : records_(&records) {}

  scheduler::RecordStore* records_;
  std::map<std::string, Rule> rules_;
};

}  // namespace berth::scaling
