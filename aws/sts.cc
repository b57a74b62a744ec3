#include "aws/sts.h"

#include "aws/canonical.h"
#include "aws/signed_post.h"
#include "aws/time.h"
#include "aws/xml.h"
#include "base/text.h"

#include <utility>
#include <vector>

namespace berth::aws {
namespace {

constexpr const char* kFormType = "application/x-www-form-urlencoded; charset=utf-8";
constexpr Duration kStsTimeout = std::chrono::seconds(30);
constexpr size_t kShownAnswerMax = 500;

Query form_of(const char* action, const Role& role) {
  Query form = {{"Action", action},
                {"Version", "2011-06-15"},
                {"RoleArn", role.arn},
                {"RoleSessionName", role.session_name}};
  if (!role.external_id.empty()) form.emplace_back("ExternalId", role.external_id);
  if (role.duration_seconds) {
    form.emplace_back("DurationSeconds", std::to_string(*role.duration_seconds));
  }
  return form;
}

using Answer = std::map<std::string, std::string>;

std::string text_at(const Answer& answer, const std::string& path) {
  auto found = answer.find(path);
  return found == answer.end() ? "" : found->second;
}

Error refusal(const HttpResponse& response, const Result<Answer>& answer) {
  bool is_passing = response.status >= 500 || response.status == 429;
  std::string text = fmt::format("status {}", response.status);
  if (answer) {
    std::string code = text_at(*answer, "ErrorResponse/Error/Code");
    std::string message = text_at(*answer, "ErrorResponse/Error/Message");
    if (!code.empty()) text = printable(code + ": " + message, kShownAnswerMax);
    is_passing = is_passing || code == "Throttling";
  }
  return {is_passing ? Errc::kUnavailable : Errc::kDenied, 0, text};
}

}  // namespace

Url sts_url(const std::string& region) {
  return {"https", fmt::format("sts.{}.{}", region, dns_suffix(region)), "/"};
}

HttpRequest assume_role(const Sts& sts, const Role& role, const Credentials& credentials,
                        WallTime now) {
  return signed_post({.url = sts.url,
                      .region = sts.region,
                      .service = "sts",
                      .headers = {{"Content-Type", kFormType}},
                      .body = Secret(render_query(form_of("AssumeRole", role)))},
                     credentials, now);
}

HttpRequest assume_role_with_web_identity(const Sts& sts, const Role& role, const Secret& token) {
  Query form = form_of("AssumeRoleWithWebIdentity", role);
  form.emplace_back("WebIdentityToken", token.reveal());
  return {.method = "POST",
          .url = sts.url.to_string(),
          .headers = {{"Host", Secret(sts.url.host)}, {"Content-Type", Secret(kFormType)}},
          .body = Secret(render_query(form)),
          .timeout = kStsTimeout,
          .route = Route::kUsual};
}

Result<Credentials> parse_sts_answer(const HttpResponse& response, std::string_view action) {
  auto answer = parse_xml(response.body);
  if (response.status != 200) {
    return wrap(refusal(response, answer), "{}", action);
  }
  if (!answer) return wrap(std::move(answer).error(), "{}", action);
  std::string where = fmt::format("{}Response/{}Result/Credentials/", action, action);
  Credentials found{text_at(*answer, where + "AccessKeyId"),
                    Secret(text_at(*answer, where + "SecretAccessKey")),
                    Secret(text_at(*answer, where + "SessionToken")),
                    parse_rfc3339(text_at(*answer, where + "Expiration"))};
  bool is_whole = !found.key_id.empty() && !found.secret_key.empty() &&
                  !found.session_token.empty() && found.expires.has_value();
  if (!is_whole) return fail(Errc::kInvalid, "{}: the answer has no whole Credentials", action);
  return found;
}

}  // namespace berth::aws
