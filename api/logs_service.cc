#include "api/logs_service.h"

#include "api/logs_operations.h"
#include "aws/endpoint.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

namespace berth::api {

Answer LogsService::answer(const Call& call) {
  const std::string& region = call.caller.region;
  auto found = readers_.find(region);
  if (found == readers_.end()) {
    logs::EventReader reader(logs::LogStore(root_, region));
    found = readers_.emplace(region, std::move(reader)).first;
  }
  // Not the time of the call: others may have been answered before it.
  cwl::Logs logs{.reader = found->second,
                 .now = clock_.wall(),
                 .arn_prefix = fmt::format("arn:{}:logs:{}:{}:log-group:",
                                           aws::partition_of(region), region, call.caller.account)};
  return answer_json(call, cwl::kLogsFaults, cwl::all_operations(), logs);
}

}  // namespace berth::api
