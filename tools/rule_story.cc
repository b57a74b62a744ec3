// berth why rule/NAME: how a rule of EventBridge fared, as berthd's feed has it.
#include "base/text.h"
#include "tools/clock_text.h"
#include "tools/commands.h"
#include "tools/event_follower.h"
#include "tools/task_commands.h"

#include <nlohmann/json.hpp>

#include <cstdio>

namespace berth::tools {
namespace {

using RunJson = nlohmann::ordered_json;

void print_runs(const std::string& rule, const std::vector<RunJson>& runs) {
  std::string cause = runs.back().value("cause", "");
  std::printf("rule %s %s\n", rule.c_str(),
              cause.empty() ? "ran its tasks" : "did not run all of its tasks");
  if (!cause.empty()) {
    std::printf("  because %s\n", printable(cause, cause.size()).c_str());
  }
  std::printf("\n");
  for (const RunJson& run : runs) {
    std::string text = run.value("text", "");
    std::string why = run.value("cause", "");
    if (!why.empty()) text += ": " + why;
    std::printf("%s  %-11s  %s\n", clock_of(run.value("at", "")).c_str(),
                run.value("event", "").c_str(), printable(text, text.size()).c_str());
  }
}

Status why_rule(const agent::Config& config, const std::string& rule, bool json) {
  EventFollower feed(config);
  std::vector<RunJson> runs;
  for (RunJson& event : TRY(feed.all())) {
    if (event.value("rule", "") == rule) runs.push_back(std::move(event));
  }
  if (runs.empty()) {
    return fail(Errc::kNotFound,
                "rule {}: it was not due since berthd began; `aws events describe-rule --name {}` "
                "shows its schedule and whether it is ENABLED",
                printable(rule, rule.size()), printable(rule, rule.size()));
  }
  if (json) {
    RunJson shown = {{"rule", rule}, {"runs", runs}};
    std::printf("%s\n", shown.dump(2, ' ', false, RunJson::error_handler_t::replace).c_str());
  } else {
    print_runs(rule, runs);
  }
  return {};
}

}  // namespace

int why_rule_command(const agent::Config& config, const std::string& rule, bool json) {
  return exit_code(why_rule(config, rule, json));
}

}  // namespace berth::tools
