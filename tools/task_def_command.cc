// berth task-def validate: all that is wrong with a task definition, without running it.
#include "api/ecs_placement.h"
#include "image/platform.h"
#include "scheduler/task_definition_parse.h"
#include "sys/file.h"
#include "tools/commands.h"
#include "tools/task_input.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>

namespace berth::tools {
namespace {

using Json = nlohmann::ordered_json;
using scheduler::Finding;
using scheduler::LaunchType;

constexpr int kExitFindings = 1;
constexpr const char* kIncomplete =
    "what cannot be read hides what follows from it: mend these and ask again";

const char* word_of(scheduler::Refuser refuser) {
  return refuser == scheduler::Refuser::kBerth ? "berth" : "aws";
}

const char* word_of(LaunchType launch_type) {
  switch (launch_type) {
    case LaunchType::kAsWritten:
      return "as written";
    case LaunchType::kEc2:
      return "ec2";
    case LaunchType::kFargate:
      return "fargate";
  }
  return "";
}

// Expressions of placement constraints are Amazon's API's to read.
scheduler::ParsedTaskDefinition with_expressions(const json::Node& root,
                                                 scheduler::CpuArchitecture host,
                                                 LaunchType launch_type) {
  auto parsed = parse_task_definition(root, host, launch_type);
  if (!parsed.complete) return parsed;
  auto inner = root.find("taskDefinition");
  for (Finding& finding : api::ecs::check_expressions(inner ? *inner : root)) {
    parsed.findings.push_back(std::move(finding));
  }
  return parsed;
}

// Text that is no JSON is a finding about the whole.
Result<scheduler::ParsedTaskDefinition> validate(const ValidateOptions& options) {
  auto host = TRY(host_architecture());
  std::string text = TRY(read_task_input(options.file));
  auto document = json::Document::parse(text, {.name = options.file});
  if (document) return with_expressions(document->root(), host, options.launch_type);
  scheduler::ParsedTaskDefinition none;
  none.complete = false;
  none.findings.push_back({.path = "(root)", .message = document.error().text});
  return none;
}

void print_json(const ValidateOptions& options, const scheduler::ParsedTaskDefinition& parsed) {
  Json findings = Json::array();
  for (const Finding& finding : parsed.findings) {
    Json json = {{"pointer", finding.pointer},
                 {"path", finding.path},
                 {"message", finding.message},
                 {"refusedBy", word_of(finding.refused_by)}};
    if (finding.refused_by == scheduler::Refuser::kAws) json["exception"] = finding.exception;
    findings.push_back(json);
  }
  Json json = {{"file", options.file},
               {"launchType", word_of(options.launch_type)},
               {"valid", parsed.findings.empty()},
               {"complete", parsed.complete},
               {"findings", findings}};
  std::printf("%s\n", json.dump(2, ' ', false, Json::error_handler_t::replace).c_str());
}

void print_table(const ValidateOptions& options, const scheduler::ParsedTaskDefinition& parsed) {
  if (parsed.findings.empty()) {
    std::printf("%s: valid (%s)\n", options.file.c_str(), word_of(options.launch_type));
    return;
  }
  for (const Finding& finding : parsed.findings) {
    Finding shown = finding;
    if (!finding.pointer.empty()) shown.path = finding.pointer;
    std::printf("%-5s  %s\n", word_of(finding.refused_by), render(shown).c_str());
  }
  if (!parsed.complete) std::printf("%s: %s\n", options.file.c_str(), kIncomplete);
}

}  // namespace

int validate_command(const ValidateOptions& options) {
  auto parsed = validate(options);
  if (!parsed) return report(parsed.error());
  if (options.json) {
    print_json(options, *parsed);
  } else {
    print_table(options, *parsed);
  }
  return parsed->findings.empty() ? 0 : kExitFindings;
}

}  // namespace berth::tools
