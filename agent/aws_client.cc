#include "agent/aws_client.h"

#include "aws/canonical.h"
#include "aws/credential_answer.h"
#include "aws/endpoint.h"
#include "aws/hash.h"
#include "aws/signed_post.h"
#include "aws/sigv4.h"
#include "aws/xml.h"
#include "base/json.h"
#include "base/text.h"

#include <nlohmann/json.hpp>

namespace berth::agent {
namespace {

constexpr const char* kJsonType = "application/x-amz-json-1.1";
constexpr Duration kObjectTimeout = std::chrono::seconds(30);
constexpr size_t kAnswerShown = 300;

// Endpoints of the configuration were checked when it was read.
aws::Url url_of(const ServicePlace& place, const std::string& service) {
  if (!place.endpoint.empty()) {
    if (auto url = aws::parse_url(place.endpoint)) return *url;
  }
  return {"https", fmt::format("{}.{}.{}", service, place.region, aws::dns_suffix(place.region)),
          "/"};
}

aws::HttpRequest json_call(const ServicePlace& place, const std::string& service,
                           const std::string& target, const nlohmann::json& body,
                           const aws::Credentials& credentials, WallTime now) {
  return aws::signed_post({.url = url_of(place, service),
                           .region = place.region,
                           .service = service,
                           .headers = {{"Content-Type", kJsonType}, {"X-Amz-Target", target}},
                           .body = Secret(body.dump())},
                          credentials, now);
}

Errc code_of(int status, const std::string& text) {
  if (status >= 500 || status == 429) return Errc::kUnavailable;
  if (status == 404 || text.find("NotFound") != std::string::npos ||
      text.find("NoSuch") != std::string::npos) {
    return Errc::kNotFound;
  }
  return Errc::kDenied;
}

std::string encoded_path(const std::string& path) {
  std::string out;
  for (const std::string& piece : split(path, '/')) out += "/" + aws::percent_encode(piece);
  return out;
}

}  // namespace

aws::HttpRequest object_request(const ServicePlace& place, const ObjectRequest& wanted,
                                const aws::Credentials& credentials, WallTime now) {
  // By path, not by a host name of the bucket: what speaks like S3 on a host of its own knows that.
  aws::Url url = url_of(place, "s3");
  if (url.path.ends_with('/')) url.path.pop_back();
  url.path += encoded_path(wanted.object.bucket);
  if (!wanted.object.key.empty()) url.path += encoded_path(wanted.object.key);
  aws::Request request{wanted.method, url.path, wanted.query, {{"Host", url.host}}};
  aws::Headers added = aws::sign(request, credentials,
                                 {.time = now,
                                  .region = place.region,
                                  .service = "s3",
                                  .payload_hash = aws::sha256_hex(wanted.body.reveal()),
                                  .style = aws::PathStyle::kS3,
                                  .content_hash = aws::ContentHash::kHeader});
  aws::HttpRequest sent{.method = wanted.method,
                        .url = url.to_string() + (wanted.query.empty() ? "" : "?" + wanted.query),
                        .headers = {{"Host", Secret(url.host)}},
                        .body = wanted.body,
                        .timeout = kObjectTimeout,
                        .route = aws::Route::kUsual};
  for (const auto& [name, value] : added) sent.headers.emplace_back(name, Secret(value));
  return sent;
}

aws::HttpRequest get_object(const ServicePlace& place, const ObjectName& object,
                            const aws::Credentials& credentials, WallTime now) {
  return object_request(place, {.method = "GET", .object = object}, credentials, now);
}

Result<std::string> parse_object(aws::HttpResponse response) {
  if (response.status == 200) return std::move(response.body);
  std::string text = fmt::format("status {}", response.status);
  auto answer = aws::parse_xml(response.body);
  if (answer && answer->contains("Error/Code")) {
    text = printable(answer->at("Error/Code") + ": " + (*answer)["Error/Message"], kAnswerShown);
  }
  return fail(code_of(response.status, text), "{}", text);
}

aws::HttpRequest get_secret_value(const ServicePlace& place, const SecretReference& reference,
                                  const aws::Credentials& credentials, WallTime now) {
  nlohmann::json body = {{"SecretId", reference.id}};
  if (!reference.version_stage.empty()) body["VersionStage"] = reference.version_stage;
  if (!reference.version_id.empty()) body["VersionId"] = reference.version_id;
  return json_call(place, "secretsmanager", "secretsmanager.GetSecretValue", body, credentials,
                   now);
}

aws::HttpRequest get_parameter(const ServicePlace& place, const SecretReference& reference,
                               const aws::Credentials& credentials, WallTime now) {
  nlohmann::json body = {{"Name", reference.id}, {"WithDecryption", true}};
  return json_call(place, "ssm", "AmazonSSM.GetParameter", body, credentials, now);
}

Result<Secret> parse_value(const aws::HttpResponse& response, SecretKind kind) {
  if (response.status != 200) {
    std::string text = printable(aws::json_error(response.body), kAnswerShown);
    if (text.empty()) text = fmt::format("status {}", response.status);
    return fail(code_of(response.status, text), "{}", text);
  }
  auto document = json::Document::parse(response.body, {.name = "answer"});
  if (!document) return fail(Errc::kInvalid, "the answer is no JSON");
  json::Node root = document->root();
  if (kind == SecretKind::kSecret) {
    auto value = root.find_string("SecretString");
    if (value && *value) return Secret(std::move(**value));
    return fail(Errc::kUnsupported, "the secret has no SecretString; ECS takes no binary ones");
  }
  auto parameter = root.find("Parameter");
  auto value = parameter ? parameter->find_string("Value") : Result<std::optional<std::string>>();
  if (value && *value) return Secret(std::move(**value));
  return fail(Errc::kInvalid, "the answer has no Parameter.Value");
}

Result<Secret> pick_member(const Secret& value, const std::string& key) {
  auto document = json::Document::parse(value.reveal(), {.name = "secret"});
  if (!document || !document->root().is_object()) {
    return fail(Errc::kInvalid,
                "retrieved secret from Secrets Manager is no JSON object and has no key {}",
                printable(key, kAnswerShown));
  }
  auto member = document->root().find(key);
  if (!member) {
    return fail(Errc::kNotFound,
                "retrieved secret from Secrets Manager did not contain json key {}",
                printable(key, kAnswerShown));
  }
  if (member->is_string()) return Secret(TRY(member->as_string()));
  return Secret(member->dump());
}

}  // namespace berth::agent
