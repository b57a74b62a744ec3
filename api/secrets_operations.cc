#include "api/secrets_operations.h"

#include "api/secrets_service.h"
#include "aws/endpoint.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <array>

namespace berth::api {
namespace sm {
namespace {

using enum Support;

constexpr std::string_view kNoRotation = "there are no functions that would rotate a secret";
constexpr std::string_view kNoReplicas = "one host is one region";
constexpr std::string_view kNoPolicies = "whoever holds a key of berth's may do everything";

// In the order of their names.
constexpr auto kSecretsOperations = std::to_array<Operation>({
    {"BatchGetSecretValue", batch_get_secret_value, kWorks, ""},
    {"CancelRotateSecret", refuse_operation, kRefused, kNoRotation},
    {"CreateSecret", create_secret, kPartly,
     "AddReplicaRegions is refused; KmsKeyId is kept and changes nothing"},
    {"DeleteResourcePolicy", refuse_operation, kRefused, kNoPolicies},
    {"DeleteSecret", delete_secret, kWorks, ""},
    {"DescribeSecret", describe_secret, kWorks, ""},
    {"GetRandomPassword", get_random_password, kWorks, ""},
    {"GetResourcePolicy", get_resource_policy, kPartly, "there is none"},
    {"GetSecretValue", get_secret_value, kWorks, ""},
    {"ListSecretVersionIds", list_secret_version_ids, kWorks, ""},
    {"ListSecrets", list_secrets, kWorks, ""},
    {"PutResourcePolicy", refuse_operation, kRefused, kNoPolicies},
    {"PutSecretValue", put_secret_value, kWorks, ""},
    {"RemoveRegionsFromReplication", refuse_operation, kRefused, kNoReplicas},
    {"ReplicateSecretToRegions", refuse_operation, kRefused, kNoReplicas},
    {"RestoreSecret", restore_secret, kWorks, ""},
    {"RotateSecret", rotate_secret, kRefused, kNoRotation},
    {"StopReplicationToReplica", refuse_operation, kRefused, kNoReplicas},
    {"TagResource", tag_resource, kWorks, ""},
    {"UntagResource", untag_resource, kWorks, ""},
    {"UpdateSecret", update_secret, kPartly, "KmsKeyId is kept and changes nothing"},
    {"UpdateSecretVersionStage", update_secret_version_stage, kWorks, ""},
    {"ValidateResourcePolicy", refuse_operation, kRefused, kNoPolicies},
});

}  // namespace

std::span<const Operation> all_operations() {
  return kSecretsOperations;
}

Json rotate_secret(Secrets& secrets, Ask& ask) {
  auto secret = find_secret(secrets, ask, ask.required_text("SecretId"));
  if (secret && secret->is_deleted()) refuse_marked(ask);
  if (ask.text("RotationLambdaARN").empty()) {
    ask.refuse("InvalidRequestException",
               "No Lambda rotation function ARN is associated with this secret.");
  }
  ask.refuse(
      "AccessDeniedException",
      "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function "
      "policy grants access to the principal secretsmanager.amazonaws.com. (berth has no functions "
      "and rotates no secrets.)");
  return {};
}

Json refuse_operation(Secrets& secrets, Ask& ask) {
  static_cast<void>(name_in(secrets, ask, ask.text("SecretId")));  // a name that none can have
  const Operation* operation = find_operation_in(all_operations(), ask.call().operation);
  ask.refuse("InvalidRequestException",
             fmt::format("berth does not do {}: {}.", operation->name, operation->note));
  return {};
}

}  // namespace sm

Answer SecretsService::answer(const Call& call) {
  sm::Secrets secrets{.store = store_,
                      .env = env_,
                      .now = call.at,
                      .arn_prefix = fmt::format(
                          "arn:{}:secretsmanager:{}:{}:secret:", aws::partition_of(host_.region),
                          host_.region, host_.account)};
  return answer_json(call, sm::kSecretsFaults, sm::all_operations(), secrets);
}

}  // namespace berth::api
