#include "tools/rule_figures.h"

#include <chrono>
#include <utility>

namespace berth::tools {
namespace {

metrics::Datum datum_of_run(const char* name, const api::RuleRun& run) {
  metrics::Datum datum;
  datum.name = {"AWS/Events", name, {{"RuleName", run.rule}}};
  datum.unit = "Count";
  datum.at = std::chrono::duration_cast<std::chrono::seconds>(run.at.time_since_epoch()).count();
  datum.statistics = metrics::statistics_of(1, 1);
  return datum;
}

}  // namespace

std::vector<metrics::Datum> figures_of(const api::RuleRun& run) {
  std::vector<metrics::Datum> data;
  data.push_back(datum_of_run("Invocations", run));
  if (!run.failure.empty()) data.push_back(datum_of_run("FailedInvocations", run));
  return data;
}

}  // namespace berth::tools
