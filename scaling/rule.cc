#include "scaling/rule.h"

#include "base/json.h"
#include "scheduler/record_values.h"

#include <nlohmann/json.hpp>

namespace berth::scaling {
namespace {

using RuleJson = nlohmann::ordered_json;

constexpr const char* kRuleKind = "event-rule";

Result<RuleTarget> read_rule_target(const json::Node& node) {
  RuleTarget target;
  target.id = TRY(node.string_at("id"));
  target.arn = TRY(node.string_at("arn"));
  target.role_arn = TRY(node.string_at("role"));
  target.input = TRY(node.string_at("input"));
  target.ecs_json = TRY(node.string_at("ecs"));
  target.retry_json = TRY(node.string_at("retry"));
  return target;
}

Result<Rule> read_rule(const json::Node& root) {
  Rule rule;
  rule.name = TRY(root.string_at("name"));
  rule.schedule = TRY(root.string_at("schedule"));
  rule.description = TRY(root.string_at("description"));
  rule.role_arn = TRY(root.string_at("role"));
  rule.is_enabled = TRY(root.find_bool("enabled")).value_or(true);
  for (auto& [name, value] : TRY(TRY(root.at("tags")).as_string_map())) {
    rule.tags[name] = std::move(value);
  }
  for (const json::Node& each : TRY(root.find_array("targets"))) {
    rule.targets.push_back(TRY(read_rule_target(each)));
  }
  rule.begun_at = TRY(scheduler::wall_time_at(root, "begunAt"));
  return rule;
}

}  // namespace

scheduler::Record record_of(const Rule& rule) {
  RuleJson targets = RuleJson::array();
  for (const RuleTarget& target : rule.targets) {
    targets.push_back({{"id", target.id},
                       {"arn", target.arn},
                       {"role", target.role_arn},
                       {"input", target.input},
                       {"ecs", target.ecs_json},
                       {"retry", target.retry_json}});
  }
  RuleJson json = {{"name", rule.name},
                   {"schedule", rule.schedule},
                   {"description", rule.description},
                   {"role", rule.role_arn},
                   {"enabled", rule.is_enabled},
                   {"tags", RuleJson(rule.tags)},
                   {"targets", std::move(targets)},
                   {"begunAt", rule.begun_at.time_since_epoch().count()}};
  return {kRuleKind, rule.name, scheduler::record_text(json)};
}

Result<Rule> parse_rule_record(const scheduler::Record& record) {
  return scheduler::read_record(record, read_rule);
}

Result<RuleBook> RuleBook::open(scheduler::RecordStore& records) {
  RuleBook book(records);
  for (const scheduler::Record& record : TRY(records.read(kRuleKind))) {
    book.rules_.emplace(record.key, TRY(parse_rule_record(record)));
  }
  return book;
}

const Rule* RuleBook::find(const std::string& name) const {
  auto found = rules_.find(name);
  return found == rules_.end() ? nullptr : &found->second;
}

Status RuleBook::put(const Rule& rule) {
  TRY(records_->write({record_of(rule)}));
  rules_.insert_or_assign(rule.name, rule);
  return {};
}

Status RuleBook::remove(const std::string& name) {
  TRY(records_->write({{kRuleKind, name, {}}}));
  rules_.erase(name);
  return {};
}

}  // namespace berth::scaling
