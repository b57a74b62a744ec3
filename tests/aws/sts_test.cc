#include "aws/sts.h"

#include "aws/time.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace berth::aws {
namespace {

using testing::HasSubstr;

constexpr const char* kAnswer =
    R"(<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleResult><AssumedRoleUser><Arn>arn</Arn></AssumedRoleUser><Credentials>
    <AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>a/b&amp;c</SecretAccessKey>
    <SessionToken>token</SessionToken><Expiration>2026-01-01T00:00:00Z</Expiration>
  </Credentials></AssumeRoleResult></AssumeRoleResponse>)";

TEST(Sts, AnswersAreRead) {
  auto found = parse_sts_answer({200, kAnswer}, "AssumeRole");
  ASSERT_TRUE(found) << found.error().text;
  EXPECT_EQ(found->key_id, "ASIA");
  EXPECT_EQ(found->secret_key.reveal(), "a/b&c");
  EXPECT_EQ(found->session_token.reveal(), "token");
  EXPECT_EQ(found->expires, parse_rfc3339("2026-01-01T00:00:00Z"));
  EXPECT_THAT(parse_sts_answer({200, kAnswer}, "Other").error().text,
              HasSubstr("no whole Credentials"));
  EXPECT_EQ(parse_sts_answer({200, "<html>"}, "AssumeRole").error().code, Errc::kInvalid);
}

TEST(Sts, RefusalsAreInItsOwnWords) {
  auto refused =
      parse_sts_answer({403,
                        "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code>"
                        "<Message>not you</Message></Error></ErrorResponse>"},
                       "AssumeRole");
  EXPECT_EQ(refused.error().code, Errc::kDenied);
  EXPECT_EQ(refused.error().text, "AssumeRole: AccessDenied: not you");
  EXPECT_EQ(parse_sts_answer({503, "busy"}, "AssumeRole").error().code, Errc::kUnavailable);
}

TEST(Sts, RequestsAreSignedOrCarryTheirToken) {
  Sts sts{sts_url("cn-north-1"), "cn-north-1"};
  EXPECT_EQ(sts.url.to_string(), "https://sts.cn-north-1.amazonaws.com.cn/");
  Role role{"arn:r", "me", "id", 900};
  HttpRequest request =
      assume_role(sts, role, {"AKID", Secret("s"), Secret(), std::nullopt}, WallTime());
  EXPECT_EQ(
      request.body.reveal(),
      "Action=AssumeRole&DurationSeconds=900&ExternalId=id&RoleArn=arn%3Ar&RoleSessionName=me&"
      "Version=2011-06-15");
  EXPECT_THAT(request.headers.back().second.reveal(),
              HasSubstr("Credential=AKID/19700101/cn-north-1/sts/aws4_request"));
  request = assume_role_with_web_identity(sts, role, Secret("jwt"));
  EXPECT_THAT(request.body.reveal(), HasSubstr("&WebIdentityToken=jwt"));
  for (const auto& [name, value] : request.headers) EXPECT_NE(name, "Authorization");
}

}  // namespace
}  // namespace berth::aws
