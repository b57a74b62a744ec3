#include "agent/role_credentials.h"

#include "agent/role_settings.h"
#include "base/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <deque>

namespace berth::agent {
namespace {

using testing::HasSubstr;
using testing::Not;

Result<RoleSettings> roles(const std::string& text) {
  auto document = json::Document::parse(R"({"roles":)" + text + "}", {.name = "berth.json"});
  return read_role_settings(document->root());
}

TEST(RoleSettings, ARoleIsFoundByArnBeforeName) {
  auto settings = roles(R"({"app":{"profile":"a"},"arn:aws:iam::1:role/x/app":{"profile":"b"}})");
  ASSERT_TRUE(settings) << settings.error().text;
  EXPECT_EQ(find_role(*settings, "app")->profile, "a");
  EXPECT_EQ(find_role(*settings, "arn:aws:iam::1:role/x/app")->profile, "b");
  EXPECT_EQ(find_role(*settings, "arn:aws:iam::2:role/app")->profile, "a");
  auto missing = find_role(*settings, "other");
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().text, HasSubstr("the role 'other' is not in \"roles\""));
}

TEST(RoleSettings, SaysWhatIsWrong) {
  struct Case {
    const char* text;
    const char* error;
  };
  for (const Case& each : {
           Case{R"({"r":{}})", "roles.r: must have one of keys, profile and assumeRole, not 0"},
           Case{R"({"r":{"profile":"p","assumeRole":{}}})", "not 2"},
           Case{R"({"r":{"keys":{"accessKeyId":"a"}}})", "secretAccessKey: is required"},
           Case{R"({"r":{"assumeRole":{"stsEndpoint":"sts"}}})", "roles.r.assumeRole.stsEndpoint"},
           Case{R"({"r":{"assumeRole":{"durationSeconds":1}}})", "not between 900 and 43200"},
           Case{R"({"r":{"assumeRole":{"region":"x y"}}})", "is no region"},
           Case{R"({"r":{"key":1}})", "roles.r.key"},
       }) {
    auto settings = roles(each.text);
    ASSERT_FALSE(settings) << each.text;
    EXPECT_THAT(settings.error().text, HasSubstr(each.error));
  }
}

TEST(RoleSettings, ShowsNoSecret) {
  auto settings =
      roles(R"({"r":{"keys":{"accessKeyId":"AK","secretAccessKey":"hush","sessionToken":"t0k"}}})");
  nlohmann::ordered_json out;
  render_role_settings(*settings, out);
  EXPECT_THAT(out.dump(), HasSubstr("AK"));
  EXPECT_THAT(out.dump(), Not(testing::AnyOf(HasSubstr("hush"), HasSubstr("t0k"))));
  EXPECT_TRUE(holds_keys(*settings));
}

// STS whose answers are written down.
class Script final : public aws::Http {
 public:
  Result<aws::HttpResponse> send(const aws::HttpRequest&) override {
    if (answers.empty()) return fail(Errc::kUnavailable, "nobody there");
    std::string expires = answers.front();
    answers.pop_front();
    return aws::HttpResponse{
        200,
        "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>A</AccessKeyId>"
        "<SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>" +
            expires + "</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"};
  }
  std::deque<std::string> answers;
};

class AssumedRole : public testing::Test {
 protected:
  AssumedRole() {
    RoleRequest request;
    request.rule.assume = AssumeRule{.endpoint = "http://127.0.0.1:1"};
    request.role_arn = "arn:aws:iam::1:role/app";
    request.session_name = "task";
    request.region = "us-east-1";
    request.environment = {{"AWS_ACCESS_KEY_ID", "h"}, {"AWS_SECRET_ACCESS_KEY", "s"}};
    credentials_.emplace(std::move(request), http_, clock_);
  }
  // The manual clock begins at 2023-11-14T22:13:20Z.
  ManualClock clock_;
  Script http_;
  std::optional<RoleCredentials> credentials_;
};

TEST_F(AssumedRole, IsRenewedBeforeAnSdkAsksForMore) {
  http_.answers = {"2023-11-14T23:13:20Z", "2023-11-14T23:53:20Z"};  // an hour; an hour from then
  ASSERT_TRUE(credentials_->get());
  clock_.advance(std::chrono::minutes(39));
  EXPECT_EQ(http_.answers.size(), 1u);
  ASSERT_TRUE(credentials_->get());
  EXPECT_EQ(http_.answers.size(), 1u) << "21 minutes are left";
  clock_.advance(std::chrono::minutes(2));
  ASSERT_TRUE(credentials_->get());
  EXPECT_EQ(http_.answers.size(), 0u);
}

TEST_F(AssumedRole, IsGoodToItsEndWhileStsIsAway) {
  http_.answers = {"2023-11-14T23:13:20Z"};
  ASSERT_TRUE(credentials_->get());
  clock_.advance(std::chrono::minutes(59));
  EXPECT_TRUE(credentials_->get());
  clock_.advance(std::chrono::minutes(2));
  auto ended = credentials_->get();
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code, Errc::kUnavailable);
}

}  // namespace
}  // namespace berth::agent
