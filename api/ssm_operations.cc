#include "api/ssm_operations.h"

#include "api/ssm_service.h"
#include "aws/endpoint.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <array>

namespace berth::api {
namespace ssm {
namespace {

using enum Support;

// In the order of their names.
constexpr auto kSsmOperations = std::to_array<Operation>({
    {"AddTagsToResource", add_tags_to_resource, kPartly, "of parameters"},
    {"DeleteParameter", delete_parameter, kWorks, ""},
    {"DeleteParameters", delete_parameters, kWorks, ""},
    {"DescribeParameters", describe_parameters, kWorks, ""},
    {"GetParameter", get_parameter, kWorks, ""},
    {"GetParameterHistory", get_parameter_history, kWorks, ""},
    {"GetParameters", get_parameters, kWorks, ""},
    {"GetParametersByPath", get_parameters_by_path, kWorks, ""},
    {"LabelParameterVersion", label_parameter_version, kWorks, ""},
    {"ListTagsForResource", list_tags_for_resource, kPartly, "of parameters"},
    {"PutParameter", put_parameter, kPartly,
     "Policies and data types other than text are refused; KeyId is kept and changes nothing"},
    {"RemoveTagsFromResource", remove_tags_from_resource, kPartly, "of parameters"},
    {"UnlabelParameterVersion", unlabel_parameter_version, kWorks, ""},
});

}  // namespace

std::span<const Operation> all_operations() {
  return kSsmOperations;
}

}  // namespace ssm

Answer SsmService::answer(const Call& call) {
  ssm::Parameters parameters{
      .store = store_,
      .env = env_,
      .now = call.at,
      .arn_prefix = fmt::format("arn:{}:ssm:{}:{}:parameter", aws::partition_of(host_.region),
                                host_.region, host_.account),
      .user = call.caller.arn,
      .secret_arn_prefix =
          fmt::format("arn:{}:secretsmanager:{}:{}:secret:", aws::partition_of(host_.region),
                      host_.region, host_.account)};
  return answer_json(call, ssm::kSsmFaults, ssm::all_operations(), parameters);
}

}  // namespace berth::api
