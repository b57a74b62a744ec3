// Parameters that stand for secrets of Secrets Manager.
#include "api/ssm_operations.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

namespace berth::api::ssm {
namespace {

constexpr std::string_view kReference = "/aws/reference/secretsmanager/";

// The secret as Secrets Manager would answer, with names as Systems Manager writes them.
std::string source_of(const std::string& arn, const secrets::StoredSecret& secret,
                      const secrets::SecretVersion& version, const std::string& value) {
  bool is_binary = version.attributes.contains("binary");
  Json source = {{"ARN", arn},
                 {"name", secret.name.name},
                 {"versionId", version.id},
                 {is_binary ? "secretBinary" : "secretString", value},
                 {"versionStages", version.stages},
                 {"createdDate", seconds_of_version(version)}};
  return source.dump();
}

}  // namespace

bool is_reference(const std::string& name) {
  return name.starts_with(kReference) && name.size() > kReference.size();
}

std::optional<Json> referenced_secret(const Parameters& parameters, Ask& ask,
                                      const std::string& name, bool is_decrypted) {
  if (!is_decrypted) {
    ask.invalid("WithDecryption flag must be True for retrieving a Secret Manager secret.");
  }
  if (ask.refused()) return std::nullopt;
  std::string id = name.substr(kReference.size());
  size_t colon = id.find(':');
  std::string which = colon == std::string::npos ? "" : id.substr(colon + 1);
  auto secret = ask.checked(
      parameters.store.find({secrets::SecretKind::kSecret, id.substr(0, colon)}, parameters.now));
  if (!secret || secret->is_deleted()) return std::nullopt;
  const secrets::SecretVersion* version = secrets::choose_version(*secret, {.stage = which});
  if (version == nullptr) version = secret->find_version(which);
  if (version == nullptr) return std::nullopt;
  std::string value = ask.checked(parameters.store.open(secret->name, *version)).reveal();
  if (ask.refused()) return std::nullopt;
  // A disk that is full is no reason to keep the value back.
  static_cast<void>(parameters.store.note_access(*secret, *version, parameters.now));
  std::string arn =
      fmt::format("{}{}-{}", parameters.secret_arn_prefix, secret->name.name, secret->suffix);
  Json json = {{"Name", name}, {"Type", "SecureString"}, {"Value", value}, {"Version", 0}};
  json["SourceResult"] = source_of(arn, *secret, *version, value);
  json["LastModifiedDate"] = seconds_of_version(*version);
  json["ARN"] = arn;
  json["DataType"] = "text";
  return json;
}

}  // namespace berth::api::ssm
