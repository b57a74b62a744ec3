#include "api/authentication.h"

#include "api/session.h"
#include "aws/endpoint.h"
#include "aws/hash.h"

#include <utility>

namespace berth::api {
namespace {

constexpr const char* kUnknownKeyText = "The security token included in the request is invalid.";
constexpr const char* kExpiredKeyText = "The security token included in the request is expired";

tl::unexpected<Unproved> doubt(Doubt doubt, std::string text) {
  return tl::unexpected(Unproved{doubt, std::move(text)});
}

struct Holder {
  Secret secret;
  std::string arn;
};

tl::expected<Holder, Unproved> holder_of(const aws::Presented& presented, const Proof& proof) {
  bool is_root = presented.key_id == proof.key.id && presented.session_token.empty();
  if (is_root) {
    return Holder{proof.key.secret, root_arn(proof.host.account, presented.scope.region)};
  }
  auto session = read_session(proof.key, presented.session_token);
  if (!session || session->key_id != presented.key_id) {
    return doubt(Doubt::kUnknownKey, kUnknownKeyText);
  }
  if (session->expires <= proof.now) return doubt(Doubt::kExpiredKey, kExpiredKeyText);
  return Holder{secret_of_session(proof.key, *session), session->arn};
}

}  // namespace

std::string root_arn(const std::string& account, const std::string& region) {
  return "arn:" + aws::partition_of(region) + ":iam::" + account + ":root";
}

tl::expected<Caller, Unproved> authenticate(const aws::Request& request, const std::string& body,
                                            const Proof& proof) {
  auto presented = aws::parse_presented(request);
  if (!presented) {
    bool is_missing = presented.error().code == Errc::kNotFound;
    return is_missing ? doubt(Doubt::kMissing, "Missing Authentication Token")
                      : doubt(Doubt::kIncomplete, presented.error().text);
  }
  if (!aws::is_region(presented->scope.region)) {
    return doubt(Doubt::kIncomplete, "Credential should be scoped to a valid region.");
  }
  auto holder = holder_of(*presented, proof);
  if (!holder) return tl::unexpected(holder.error());
  if (presented->scope.service != proof.service) {
    return doubt(Doubt::kSignature,
                 "Credential should be scoped to correct service: '" + proof.service + "'. ");
  }
  auto verified = aws::verify(request, *presented, holder->secret,
                              {.now = proof.now, .payload_hash = aws::sha256_hex(body)});
  if (!verified) return doubt(Doubt::kSignature, verified.error().text);
  return Caller{proof.host.account, presented->scope.region, holder->arn, presented->key_id};
}

Caller trusted_caller(const aws::Request& request, const Host& host) {
  Caller caller{host.account, host.region, "", ""};
  auto presented = aws::parse_presented(request);
  if (presented && aws::is_region(presented->scope.region)) {
    caller.region = presented->scope.region;
    caller.key_id = presented->key_id;
  }
  caller.arn = root_arn(caller.account, caller.region);
  return caller;
}

std::string scope_service_of(const aws::Request& request) {
  auto presented = aws::parse_presented(request);
  return presented ? presented->scope.service : "";
}

}  // namespace berth::api
