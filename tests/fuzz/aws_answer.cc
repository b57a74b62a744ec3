// What hands out credentials: programs, endpoints and STS. Whatever is accepted has both keys.
#include "aws/credential_answer.h"
#include "aws/sso.h"
#include "aws/sts.h"
#include "aws/time.h"
#include "aws/xml.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/targets.h"

namespace berth::fuzz {
namespace {

void check(const Result<aws::Credentials>& found) {
  if (!check_result(found)) return;
  CHECK(!found->key_id.empty());
  CHECK(!found->secret_key.empty());
}

}  // namespace

void aws_answer(std::string_view text) {
  check(aws::parse_process_output(text));
  check(aws::parse_endpoint_answer(text, "endpoint"));
  for (int status : {200, 403, 500}) {
    check(aws::parse_sts_answer({status, std::string(text)}, "AssumeRole"));
    check(aws::parse_role_credentials({status, std::string(text)}));
    (void)check_result(aws::parse_renewed_token({status, std::string(text)}, {}, WallTime()));
  }
  // What is written is read again, to the second.
  if (auto token = aws::parse_sso_token(text, "token"); check_result(token)) {
    auto again = aws::parse_sso_token(aws::render_sso_token({}, *token), "token");
    CHECK(again && again->access_token.reveal() == token->access_token.reveal());
    CHECK(again->expires == WallTime(std::chrono::floor<std::chrono::seconds>(token->expires)));
  }
  std::string reason = aws::json_error(text);
  if (!reason.empty()) check_line(reason);
  (void)check_result(aws::parse_xml(text));
  if (auto time = aws::parse_rfc3339(text)) {
    auto whole = std::chrono::floor<std::chrono::seconds>(*time);
    CHECK(aws::parse_rfc3339(aws::format_rfc3339_seconds(*time)) == WallTime(whole));
  }
}

}  // namespace berth::fuzz
