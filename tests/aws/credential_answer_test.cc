#include "aws/credential_answer.h"

#include "aws/time.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace berth::aws {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(ProcessOutput, IsRead) {
  auto found = parse_process_output(
      R"({"Version":1,"AccessKeyId":"A","SecretAccessKey":"S","SessionToken":"T","Expiration":"2026-01-01T00:00:00Z"})");
  ASSERT_TRUE(found) << found.error().text;
  EXPECT_EQ(found->key_id, "A");
  EXPECT_EQ(found->secret_key.reveal(), "S");
  EXPECT_EQ(found->session_token.reveal(), "T");
  EXPECT_EQ(found->expires, parse_rfc3339("2026-01-01T00:00:00Z"));
  EXPECT_FALSE(
      parse_process_output(R"({"Version":1,"AccessKeyId":"A","SecretAccessKey":"S"})")->expires);
}

TEST(ProcessOutput, IsRefusedWithoutItsSecrets) {
  for (const char* text :
       {"hunter2", R"({"AccessKeyId":"A","SecretAccessKey":"hunter2"})",
        R"({"Version":2,"AccessKeyId":"A","SecretAccessKey":"hunter2"})",
        R"({"Version":1,"SecretAccessKey":"hunter2"})",
        R"({"Version":1,"AccessKeyId":"","SecretAccessKey":"hunter2"})",
        R"({"Version":1,"AccessKeyId":"A","SecretAccessKey":"hunter2","Expiration":"soon"})",
        R"({"Version":1,"AccessKeyId":"A","SecretAccessKey":"hunter2)"}) {
    auto refused = parse_process_output(text);
    ASSERT_FALSE(refused) << text;
    EXPECT_THAT(refused.error().text, HasSubstr("its output"));
    EXPECT_THAT(refused.error().text, Not(HasSubstr("hunter2")));
  }
}

TEST(EndpointAnswer, IsReadOrSaysWhyNot) {
  auto found = parse_endpoint_answer(
      R"({"Code":"Success","AccessKeyId":"A","SecretAccessKey":"S","Token":"T"})", "imds");
  EXPECT_EQ(found->session_token.reveal(), "T");
  auto failed =
      parse_endpoint_answer(R"({"Code":"AssumeRoleUnauthorizedAccess","Message":"no"})", "imds");
  EXPECT_EQ(failed.error().code, Errc::kDenied);
  EXPECT_EQ(failed.error().text, "imds: AssumeRoleUnauthorizedAccess: no");
  EXPECT_EQ(parse_endpoint_answer("<html>", "imds").error().text, "imds: the answer is not JSON");
}

TEST(JsonError, IsShort) {
  EXPECT_EQ(json_error(R"({"__type":"com.amazonaws.ecr#AccessDenied:http://x","Message":"no"})"),
            "AccessDenied: no");
  EXPECT_EQ(json_error(R"({"code":"InvalidIdInRequest","message":"no such id"})"),
            "InvalidIdInRequest: no such id");
  EXPECT_EQ(json_error(R"({"__type":"Only"})"), "Only");
  EXPECT_EQ(json_error("<html>"), "");
}

}  // namespace
}  // namespace berth::aws
