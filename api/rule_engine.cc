#include "api/rule_engine.h"

#include "base/log.h"
#include "base/text.h"
#include "scaling/schedule.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <vector>

namespace berth::api {
namespace {

using RequestJson = nlohmann::ordered_json;

constexpr size_t kAnswerShown = 500;

int64_t seconds_since_epoch(WallTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

// "TaskCount" -> "taskCount", in all that it has.
RequestJson with_small_initials(const RequestJson& json) {
  if (json.is_array()) {
    RequestJson list = RequestJson::array();
    for (const RequestJson& each : json) list.push_back(with_small_initials(each));
    return list;
  }
  if (!json.is_object()) return json;
  RequestJson object = RequestJson::object();
  for (const auto& [key, value] : json.items()) {
    std::string name = key;
    if (!name.empty() && name[0] >= 'A' && name[0] <= 'Z') {
      name[0] = static_cast<char>(name[0] - 'A' + 'a');
    }
    object[name] = with_small_initials(value);
  }
  return object;
}

// "RESOURCE:MEMORY, RESOURCE:MEMORY"; "" when every task began.
std::string failures_told(const RequestJson& answer) {
  if (!answer.contains("failures")) return "";
  std::vector<std::string> reasons;
  for (const RequestJson& failure : answer["failures"]) {
    std::string reason = failure.value("reason", "");
    std::string detail = failure.value("detail", "");
    reasons.push_back(detail.empty() ? reason : reason + " (" + detail + ")");
  }
  return join(reasons, ", ");
}

}  // namespace

std::string run_task_request(const scaling::Rule& rule, const scaling::RuleTarget& target) {
  RequestJson parameters = RequestJson::parse(target.ecs_json, nullptr, /*allow_exceptions=*/false);
  RequestJson request = with_small_initials(parameters);
  auto rename = [&](const char* from, const char* to) {
    if (!request.contains(from)) return;
    request[to] = request[from];
    request.erase(from);
  };
  rename("taskDefinitionArn", "taskDefinition");
  rename("taskCount", "count");
  request["cluster"] = target.arn;
  request["startedBy"] = "events-rule/" + rule.name;
  if (!target.input.empty()) {
    request["overrides"] = RequestJson::parse(target.input, nullptr, /*allow_exceptions=*/false);
  }
  return request.dump(-1, ' ', false, RequestJson::error_handler_t::replace);
}

std::optional<int64_t> RuleEngine::next_of(const scaling::Rule& rule, WallTime after) const {
  if (!rule.is_enabled) return std::nullopt;
  auto schedule = scaling::parse_schedule(rule.schedule);
  if (!schedule) return std::nullopt;  // it was read when it was put
  int64_t from = seconds_since_epoch(rule.begun_at);
  return scaling::next_time(*schedule, {}, from, std::max(from, seconds_since_epoch(after)));
}

std::optional<WallTime> RuleEngine::next_due() {
  std::optional<int64_t> first;
  for (const auto& [name, rule] : book_.rules()) {
    auto [due, is_new] = due_.try_emplace(name);
    if (is_new) due->second = next_of(rule, std::max(opened_at_, rule.begun_at));
    if (due->second && (!first || *due->second < *first)) first = due->second;
  }
  if (!first) return std::nullopt;
  return WallTime(std::chrono::seconds(*first));
}

void RuleEngine::run_due() {
  WallTime now = env_.clock.wall();
  (void)next_due();  // all are known then
  std::vector<scaling::Rule> due;
  for (const auto& [name, rule] : book_.rules()) {
    const auto& at = due_.at(name);
    if (at && *at <= seconds_since_epoch(now)) due.push_back(rule);
  }
  for (const scaling::Rule& rule : due) {
    due_[rule.name] = next_of(rule, now);
    for (const scaling::RuleTarget& target : rule.targets) run(rule, target);
  }
}

void RuleEngine::run(const scaling::Rule& rule, const scaling::RuleTarget& target) {
  RuleRun done{.rule = rule.name, .target = target.id, .at = env_.clock.wall()};
  done.cluster = target.arn.substr(target.arn.rfind('/') + 1);
  Call call{.operation = "RunTask", .body = run_task_request(rule, target)};
  call.at = done.at;
  call.caller = {.account = host_.account, .region = host_.region};
  call.caller.arn = root_arn(host_.account, host_.region);
  Answer answer = ecs_.answer(call);
  if (answer) {
    RequestJson json = RequestJson::parse(*answer, nullptr, /*allow_exceptions=*/false);
    done.tasks = json.contains("tasks") ? json["tasks"].size() : 0;
    done.failure = failures_told(json);
  } else {
    done.failure = answer.error().code + ": " + answer.error().message;
  }
  done.failure = printable(done.failure, kAnswerShown);
  if (done.failure.empty()) {
    LOG(kInfo, "a rule ran its tasks", {{"rule", rule.name}, {"target", target.id}});
  } else {
    LOG(kError, "a rule's tasks do not run",
        {{"rule", rule.name}, {"target", target.id}, {"why", done.failure}});
  }
  if (sink_) sink_(done);
}

}  // namespace berth::api
