#include "api/logs_service.h"

#include "aws/endpoint.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

namespace berth::api {

logs::EventReader& LogsService::reader_of(const std::string& region) {
  auto found = readers_.find(region);
  if (found == readers_.end()) {
    logs::EventReader reader(logs::LogStore(root_, region));
    found = readers_.emplace(region, std::move(reader)).first;
  }
  return found->second;
}

Answer LogsService::answer(const Call& call) {
  const std::string& region = call.caller.region;
  // Not the time of the call: others may have been answered before it.
  cwl::Logs logs{.reader = reader_of(region),
                 .now = clock_.wall(),
                 .arn_prefix = fmt::format("arn:{}:logs:{}:{}:log-group:",
                                           aws::partition_of(region), region, call.caller.account),
                 .tails = tails_};
  return answer_json(call, cwl::kLogsFaults, cwl::all_operations(), logs);
}

}  // namespace berth::api
