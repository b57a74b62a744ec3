#include "aws/container_credentials.h"

#include "aws/credential_answer.h"
#include "aws/endpoint.h"
#include "base/text.h"
#include "sys/file.h"

#include <algorithm>
#include <array>

namespace berth::aws {
namespace {

constexpr Duration kTimeout = std::chrono::seconds(5);
constexpr size_t kAuthorizationMax = 64 * 1024;
constexpr const char* kHost = "http://169.254.170.2";
constexpr std::array<std::string_view, 5> kHosts = {"localhost", "::1", "169.254.170.2",
                                                    "169.254.170.23", "fd00:ec2::23"};

bool is_loopback(const std::string& name) {
  auto octets = split(name, '.');
  return octets.size() == 4 && octets[0] == "127" &&
         std::ranges::all_of(octets, [](const std::string& octet) {
           auto number = parse_u64(octet);
           return number && *number < 256;
         });
}

struct Asked {
  std::string variable;
  std::string url;
};

std::optional<Asked> asked_in(const Environment& environment) {
  std::string relative = value_of(environment, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  if (!relative.empty()) return Asked{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", kHost + relative};
  std::string full = value_of(environment, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
  if (!full.empty()) return Asked{"AWS_CONTAINER_CREDENTIALS_FULL_URI", full};
  return std::nullopt;
}

Result<Secret> authorization(const Environment& environment) {
  std::string name = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
  std::string path = value_of(environment, name);
  std::string token = value_of(environment, "AWS_CONTAINER_AUTHORIZATION_TOKEN");
  if (!path.empty()) {
    auto text = sys::read_file(path, kAuthorizationMax);
    if (!text) return wrap(std::move(text).error(), "{}", name);
    token = trim(*text);
  } else {
    name = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
  }
  bool is_header = std::ranges::all_of(token, [](char c) { return c >= ' ' && c < 127; });
  if (!is_header) return fail(Errc::kInvalid, "{}: is more than one line of text", name);
  return Secret(token);
}

Result<Credentials> ask(const Asked& asked, const Environment& environment, Http& http) {
  TRY(check_container_endpoint(asked.url));
  // A query is the endpoint's own business: parse_url() knows none.
  auto url = TRY(parse_url(asked.url.substr(0, asked.url.find('?'))));
  Secret token = TRY(authorization(environment));
  HttpRequest request{
      .method = "GET",
      .url = asked.url,
      .headers = {{"Host", Secret(url.host)}, {"Accept", Secret("application/json")}},
      .body = {},
      .timeout = kTimeout,
      .route = Route::kDirect};
  if (!token.empty()) request.headers.emplace_back("Authorization", token);
  HttpResponse response = TRY(http.send(request));
  if (response.status != 200) {
    return fail(response.status >= 500 ? Errc::kUnavailable : Errc::kDenied, "{}: status {} {}",
                url.to_string(), response.status, json_error(response.body));
  }
  return parse_endpoint_answer(response.body, url.to_string());
}

}  // namespace

Status check_container_endpoint(const std::string& url) {
  bool is_text = std::ranges::all_of(url, [](char c) { return c > ' ' && c < 127; });
  auto parsed = TRY(parse_url(std::string_view(url).substr(0, url.find('?'))));
  if (!is_text) return fail(Errc::kInvalid, "\"{}\": is no URL", printable(url, 200));
  if (parsed.scheme == "https") return {};
  std::string name = parsed.name();
  if (is_loopback(name) || std::ranges::find(kHosts, name) != kHosts.end()) return {};
  return fail(Errc::kDenied,
              "\"{}\": plain http is for loopback, 169.254.170.2, 169.254.170.23 and "
              "[fd00:ec2::23]; use https",
              printable(url, 200));
}

Result<std::optional<Credentials>> container_credentials(const Environment& environment,
                                                         Http& http) {
  auto asked = asked_in(environment);
  if (!asked) return std::optional<Credentials>();
  auto found = ask(*asked, environment, http);
  if (!found) return wrap(std::move(found).error(), "{}", asked->variable);
  return std::optional(*std::move(found));
}

}  // namespace berth::aws
