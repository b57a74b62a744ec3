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
                      fmt::format("{} is not a valid log driver. Must be one of [awslogs,splunk,"
                                  "awsfirelens]",
                                  shown));
    return false;
  }
  if (is_log_driver(driver)) return true;
  for (const char* known : kDrivers) {
    if (driver != known) continue;
    reader.refused_at(
        node, "logDriver",
        fmt::format("not supported: log driver '{}'; {}", shown, why_no_log_driver()));
    return false;
  }
  std::vector<std::string> names(std::begin(kDrivers), std::end(kDrivers));
  reader.invalid_at(
      node, "logDriver",
      fmt::format("{} is not a valid log driver. Must be one of [{}]", shown, join(names, ",")));
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

// An option whose value is a secret is known by its name alone until the task starts.
void check_secret_option(Reader& reader, const json::Node& node, const std::string& driver,
                         const std::string& name) {
  if (!is_log_option(driver, name)) {
    reader.invalid_at(
        node, "name",
        fmt::format("Log driver {} disallows options: {}", driver, printable(name, kDriverShown)));
  } else if (!may_be_secret(driver, name)) {
    reader.refused_at(node, "name",
                      fmt::format("not supported: {} as a secret; berth keeps the stream on this "
                                  "host, under that name",
                                  name));
  }
}

std::vector<SecretVariable> read_secret_options(Reader& reader, const json::Node& node) {
  std::vector<SecretVariable> secrets;
  for (const json::Node& item : reader.array(node, "secretOptions")) {
    if (!reader.check_members(item, "Secret")) continue;
    secrets.push_back({.name = reader.required_string(item, "name"),
                       .value_from = reader.required_string(item, "valueFrom")});
  }
  return secrets;
}

}  // namespace

std::optional<LogConfiguration> read_log_configuration(Reader& reader, const json::Node& container,
                                                       bool fargate) {
  auto node = reader.object(container, "logConfiguration");
  if (!node || !reader.check_members(*node, "LogConfiguration")) return std::nullopt;
  LogConfiguration log;
  log.driver = reader.required_string(*node, "logDriver");
  log.options = read_log_options(reader, *node);
  log.secret_options = read_secret_options(reader, *node);
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
  for (const json::Node& item : reader.array(*node, "secretOptions")) {
    auto name = item.find_string("name");
    if (name && *name) check_secret_option(reader, item, log.driver, **name);
  }
  return log;
}

}  // namespace berth::scheduler
