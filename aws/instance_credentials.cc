#include "aws/instance_credentials.h"

#include "aws/canonical.h"
#include "aws/credential_answer.h"
#include "aws/endpoint.h"
#include "base/text.h"

#include <algorithm>

namespace berth::aws {
namespace {

constexpr uint64_t kTimeoutSeconds = 1;  // the service is a hop away, or there is none
constexpr uint64_t kTimeoutSecondsMax = 60;
constexpr const char* kTokenSeconds = "21600";
constexpr size_t kTokenMax = 8 * 1024;
constexpr size_t kRoleMax = 256;
constexpr std::string_view kCredentials = "/latest/meta-data/iam/security-credentials/";

Result<Duration> timeout_of(const Environment& environment) {
  std::string text = value_of(environment, "AWS_METADATA_SERVICE_TIMEOUT");
  if (text.empty()) return std::chrono::seconds(kTimeoutSeconds);
  auto seconds = parse_u64(text);
  if (!seconds || *seconds < 1 || *seconds > kTimeoutSecondsMax) {
    return fail(Errc::kInvalid, "AWS_METADATA_SERVICE_TIMEOUT: \"{}\" is not between 1 and {}",
                printable(text, 100), kTimeoutSecondsMax);
  }
  return std::chrono::seconds(*seconds);
}

struct Service {
  std::string endpoint;
  Duration timeout;
  Http& http;

  Result<std::string> ask(const std::string& method, const std::string& path,
                          std::pair<std::string, Secret> header) const {
    Url url = TRY(parse_url(endpoint + path));
    HttpResponse response =
        TRY(http.send({.method = method,
                       .url = url.to_string(),
                       .headers = {{"Host", Secret(url.host)}, std::move(header)},
                       .body = {},
                       .timeout = timeout,
                       .route = Route::kDirect}));
    if (response.status == 200) return std::move(response.body);
    if (response.status == 404) {
      return fail(Errc::kNotFound, "{}: status 404: the instance has no role", url.to_string());
    }
    return fail(response.status >= 500 ? Errc::kUnavailable : Errc::kDenied, "{}: status {}",
                url.to_string(), response.status);
  }
};

bool is_text(std::string_view text, size_t max) {
  return !text.empty() && text.size() <= max &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c < 127; });
}

}  // namespace

Result<std::string> metadata_endpoint(const Environment& environment, const Profile* profile) {
  if (is_true(environment, "AWS_EC2_METADATA_DISABLED")) return std::string();
  auto setting = [&](const std::string& variable, const std::string& key) {
    std::string value = value_of(environment, variable);
    return value.empty() && profile != nullptr ? profile->value(key) : value;
  };
  std::string endpoint =
      setting("AWS_EC2_METADATA_SERVICE_ENDPOINT", "ec2_metadata_service_endpoint");
  if (!endpoint.empty()) {
    auto url = parse_url(endpoint);
    if (!url) return wrap(std::move(url).error(), "AWS_EC2_METADATA_SERVICE_ENDPOINT");
    while (endpoint.ends_with('/')) endpoint.pop_back();
    return endpoint;
  }
  std::string mode = to_lower(
      setting("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "ec2_metadata_service_endpoint_mode"));
  if (mode.empty() || mode == "ipv4") return std::string("http://169.254.169.254");
  if (mode == "ipv6") return std::string("http://[fd00:ec2::254]");
  return fail(Errc::kInvalid, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE: \"{}\" is not IPv4 or IPv6",
              printable(mode, 100));
}

Result<Credentials> instance_credentials(const Environment& environment, const Profile* profile,
                                         Http& http) {
  std::string endpoint = TRY(metadata_endpoint(environment, profile));
  if (endpoint.empty()) return fail(Errc::kNotFound, "AWS_EC2_METADATA_DISABLED is true");
  Service service{endpoint, TRY(timeout_of(environment)), http};
  std::string token = TRY(service.ask(
      "PUT", "/latest/api/token", {"X-aws-ec2-metadata-token-ttl-seconds", Secret(kTokenSeconds)}));
  token = trim(token);
  if (!is_text(token, kTokenMax)) return fail(Errc::kInvalid, "{}: its token is none", endpoint);
  std::pair<std::string, Secret> shown = {"X-aws-ec2-metadata-token", Secret(token)};
  std::string roles = TRY(service.ask("GET", std::string(kCredentials), shown));
  std::string role(trim(roles.substr(0, roles.find('\n'))));
  if (!is_text(role, kRoleMax))
    return fail(Errc::kNotFound, "{}: the instance has no role", endpoint);
  std::string path = std::string(kCredentials) + percent_encode(role);
  std::string answer = TRY(service.ask("GET", path, shown));
  return parse_endpoint_answer(answer, endpoint + path);
}

}  // namespace berth::aws
