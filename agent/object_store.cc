#include "agent/object_store.h"

#include "agent/aws_client.h"
#include "aws/chain.h"
#include "aws/environment.h"
#include "sys/spawn.h"

namespace berth::agent {
namespace {

constexpr std::string_view kNotEncrypted = "ServerSideEncryptionConfigurationNotFoundError";

}  // namespace

Status ObjectStore::check(const Config& config) {
  if (config.environment_files.ask_s3) return {};
  return fail(Errc::kNotFound,
              "there is no environmentFiles.s3 in berth.json (docs/configuration.md, Environment "
              "files), so no bucket can be reached");
}

Result<ObjectStore> ObjectStore::make(const Config& config, aws::Http& http, Clock& clock) {
  TRY(check(config));
  return ObjectStore(config, http, clock);
}

Result<aws::HttpResponse> ObjectStore::ask(const ObjectRequest& request) {
  const ServiceAccess& access = config_.environment_files.s3;
  ServicePlace place{access.endpoint, access.region.empty() ? config_.region : access.region};
  aws::CredentialChain chain({aws::parse_environment(sys::own_environment()), access.profile},
                             http_, clock_);
  aws::Credentials keys = TRY(chain.get(place.region));
  return http_.send(object_request(place, request, keys, clock_.wall()));
}

Status ObjectStore::put(const ObjectName& object, std::string bytes) {
  auto response = TRY(ask({.method = "PUT", .object = object, .body = Secret(std::move(bytes))}));
  TRY(parse_object(std::move(response)));
  return {};
}

Result<bool> ObjectStore::is_encrypted(const std::string& bucket) {
  auto response = TRY(ask({.method = "GET", .object = {bucket, ""}, .query = "encryption"}));
  auto answered = parse_object(std::move(response));
  if (answered) return true;
  if (answered.error().text.starts_with(kNotEncrypted)) return false;
  return tl::unexpected<Error>(std::move(answered).error());
}

}  // namespace berth::agent
