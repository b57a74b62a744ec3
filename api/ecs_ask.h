// A request to ECS: an Ask (api/ask.h) that has ClientException beside InvalidParameterException,
// and findings about task definitions.
#pragma once

#include "api/ask.h"
#include "scheduler/finding.h"

namespace berth::api::ecs {

using api::path_of;
using api::Range;
using api::Words;

class Ask final : public api::Ask {
 public:
  using api::Ask::Ask;

  void client_error(const std::string& message);  // ClientException
  // Of a task definition or of overrides: all findings, the first one in front.
  void refuse_findings(const scheduler::Findings& findings);
};

}  // namespace berth::api::ecs
