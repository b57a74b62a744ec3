#include "scheduler/log_configuration_parse.h"

#include "base/text.h"
#include "scheduler/log_configuration.h"

#include <fmt/core.h>

namespace berth::scheduler {
namespace {

constexpr size_t kDriverShown = 60;
constexpr const char* kDrivers[] = {"json-file", "syslog",  "journald", "gelf",
                                    "fluentd",   "awslogs", "splunk",   "awsfirelens"};

bool check_driver(Reader& reader, const json::Node& node, const std::string& driver, bool fargate) {
  std::string shown = printable(driver, kDriverShown);
  if (fargate && driver != "awslogs" && driver != "splunk" && driver != "awsfirelens") {
    reader.invalid_at(node, "logDriver",
                      fmt::format("{} is not a valid log driver. Must be one of [awslogs, splunk, "
                                  "awsfirelens]",
                                  shown));
    return false;
  }
  if (is_log_driver(driver)) return true;
  for (const char* known : kDrivers) {
    if (driver != known) continue;
    reader.refused_at(
        node, "logDriver",
        fmt::format("not supported: log driver '{}'; {}", shown, why_no_log_driver(driver)));
    return false;
  }
  std::vector<std::string> names(std::begin(kDrivers), std::end(kDrivers));
  reader.invalid_at(
      node, "logDriver",
      fmt::format("{} is not a valid log driver. Must be one of [{}]", shown, join(names, ", ")));
  return false;
}

std::map<std::string, std::string> read_log_options(Reader& reader, const json::Node& node) {
  std::map<std::string, std::string> options;
  auto object = reader.object(node, "options");
  if (!object) return options;
  auto members = object->as_object();
  if (!members) return options;
  for (const auto& [name, value] : *members) options[name] = reader.string(*object, name);
  return options;
}

}  // namespace

std::optional<LogConfiguration> read_log_configuration(Reader& reader, const json::Node& container,
                                                       bool fargate) {
  auto node = reader.object(container, "logConfiguration");
  if (!node || !reader.check_members(*node, "LogConfiguration")) return std::nullopt;
  LogConfiguration log;
  log.driver = reader.required_string(*node, "logDriver");
  log.options = read_log_options(reader, *node);
  if (log.driver.empty() || !check_driver(reader, *node, log.driver, fargate)) return std::nullopt;
  for (const LogProblem& problem : check_log_options(log)) {
    auto options = node->find("options");
    bool is_of_one = options && !problem.option.empty();
    const json::Node& where = is_of_one ? *options : *node;
    std::string key = is_of_one ? problem.option : "options";
    if (problem.refused_by == Refuser::kBerth) {
      reader.refused_at(where, key, problem.message);
    } else {
      reader.invalid_at(where, key, problem.message);
    }
  }
  return log;
}

}  // namespace berth::scheduler
