// A request to ECS: an Ask (api/ask.h) that has ClientException beside InvalidParameterException,
// and findings about task definitions.
#pragma once

#include "api/ask.h"
#include "scheduler/finding.h"

#include <string>
#include <string_view>
#include <vector>

namespace berth::api::ecs {

using api::path_of;
using api::Range;
using api::Words;

class Ask final : public api::Ask {
 public:
  using api::Ask::Ask;

  void client_error(const std::string& message);  // ClientException
  // A list that AWS calls by another name when it is too long: "taskIds can have at most 100
  // items."
  std::vector<std::string> batch(std::string_view key, size_t max, std::string_view name);
  // Of a task definition or of overrides: all findings, the first one in front.
  void refuse_findings(const scheduler::Findings& findings);
};

}  // namespace berth::api::ecs
