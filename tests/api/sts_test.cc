#include "api/sts.h"

#include "api/session.h"
#include "aws/xml.h"
#include "support/front_door.h"

#include <gtest/gtest.h>

namespace berth::api {
namespace {

class StsTest : public testing::Test {
 protected:
  Answer ask(const std::string& operation, const std::string& form,
             const std::string& arn = "arn:aws:iam::123456789012:root") {
    return sts_.answer({operation, form, {"123456789012", "us-east-1", arn, "k"}, clock_.wall()});
  }
  static std::map<std::string, std::string> values_of(const Answer& answer) {
    EXPECT_TRUE(answer) << answer.error().message;
    return answer ? aws::parse_xml(*answer).value() : std::map<std::string, std::string>();
  }

  ManualClock clock_;
  SeededRng rng_{3};
  Sts sts_{test_key(), Env{clock_, rng_}};
};

const std::string kRole = "RoleArn=arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2Fteam%2Fapp";

TEST_F(StsTest, RootIsItsAccount) {
  auto values = values_of(ask("GetCallerIdentity", ""));
  EXPECT_EQ(values["GetCallerIdentityResult/Account"], "123456789012");
  EXPECT_EQ(values["GetCallerIdentityResult/UserId"], "123456789012");
  EXPECT_EQ(values["GetCallerIdentityResult/Arn"], "arn:aws:iam::123456789012:root");
}

TEST_F(StsTest, KeysOfARoleAreKnownByTheirToken) {
  auto values =
      values_of(ask("AssumeRole", kRole + "&RoleSessionName=a.b%2Bc&DurationSeconds=900"));
  std::string keys = "AssumeRoleResult/Credentials/";
  auto session = read_session(test_key(), Secret(values[keys + "SessionToken"]));
  ASSERT_TRUE(session) << session.error().text;
  EXPECT_EQ(session->key_id, values[keys + "AccessKeyId"]);
  EXPECT_EQ(session->expires, clock_.wall() + std::chrono::seconds(900));
  EXPECT_EQ(session->arn, "arn:aws:sts::111122223333:assumed-role/app/a.b+c");
  EXPECT_EQ(secret_of_session(test_key(), *session).reveal(), values[keys + "SecretAccessKey"]);
  EXPECT_EQ(values[keys + "Expiration"], "2023-11-14T22:28:20Z");
  // Who has them is the same at each question, and not who has another role.
  std::string user = values["AssumeRoleResult/AssumedRoleUser/AssumedRoleId"];
  EXPECT_EQ(user.size(), 21u + 6);
  auto identity = values_of(ask("GetCallerIdentity", "", session->arn));
  EXPECT_EQ(identity["GetCallerIdentityResult/UserId"], user);
  EXPECT_EQ(identity["GetCallerIdentityResult/Account"], "111122223333");
  auto other = values_of(ask("AssumeRole", kRole + "2&RoleSessionName=a.b%2Bc"));
  EXPECT_NE(other["AssumeRoleResult/AssumedRoleUser/AssumedRoleId"], user);
  EXPECT_EQ(other["AssumeRoleResult/Credentials/Expiration"], "2023-11-14T23:13:20Z");
}

TEST_F(StsTest, RefusesByNameWhatIsWrong) {
  const std::map<std::string, std::string> refused = {
      {"RoleSessionName=me", "'roleArn'"},
      {"RoleArn=short&RoleSessionName=me", "'roleArn'"},
      {"RoleArn=arn:aws:iam::11112222333:role/app&RoleSessionName=me", "is invalid"},
      {"RoleArn=arn:aws:iam::111122223333:user/app&RoleSessionName=me", "is invalid"},
      {"RoleArn=arn:aws:iam::111122223333:role/a%0Ap&RoleSessionName=me", "is invalid"},
      {kRole, "Value null at 'roleSessionName'"},
      {"RoleArn=arn:a:b:::something/test-role&RoleSessionName=a:b",
       "Value 'a:b' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular "
       "expression pattern: [\\w+=,.@-]*"},
      {kRole + "&RoleSessionName=a+b", "'roleSessionName'"},
      {kRole + "&RoleSessionName=x", "'roleSessionName'"},
      {kRole + "&RoleSessionName=me&DurationSeconds=899", "greater than or equal to 900"},
      {kRole + "&RoleSessionName=me&DurationSeconds=43201", "less than or equal to 43200"},
      {kRole + "&RoleSessionName=me&DurationSeconds=1h", "'durationSeconds'"},
  };
  for (const auto& [form, text] : refused) {
    auto answer = ask("AssumeRole", form);
    ASSERT_FALSE(answer) << form;
    EXPECT_EQ(answer.error().code, "ValidationError") << form;
    EXPECT_NE(answer.error().message.find(text), std::string::npos) << answer.error().message;
  }
  const std::string tag = kRole + "&RoleSessionName=me&Tags.member.1.Key=A&";
  EXPECT_TRUE(ask("AssumeRole", tag + "TransitiveTagKeys.member.1=a"));
  auto other = ask("AssumeRole", tag + "TransitiveTagKeys.member.1=b");
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, "InvalidParameterValue");
  EXPECT_EQ(other.error().message,
            "The specified transitive tag key must be included in the requested tags.");
  auto twice = ask("AssumeRole", tag + "Tags.member.2.Key=a");
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().message,
            "Duplicate tag keys found. Please note that Tag keys are case insensitive.");
  EXPECT_EQ(ask("GetFederationToken", "").error().code, "UnknownOperationException");
}

TEST_F(StsTest, AnotherRootKeyEndsAllSessions) {
  Session session{"ASIAXXXXXXXXXXXXXXXX", "arn:aws:sts::111122223333:assumed-role/app/me",
                  WallTime(std::chrono::seconds(2000000000))};
  auto keys = issue_session(test_key(), session);
  EXPECT_EQ(read_session(test_key(), keys.session_token).value(), session);
  RootKey other{test_key().id, Secret("another")};
  EXPECT_EQ(read_session(other, keys.session_token).error().code, Errc::kDenied);
  for (const char* token : {"", ".", "x.1.k.a", "...."}) {
    EXPECT_FALSE(read_session(test_key(), Secret(token))) << token;
  }
}

}  // namespace
}  // namespace berth::api
