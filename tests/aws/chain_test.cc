// The chain of sources with files of its own and an Http that answers from a table.
#include "aws/chain.h"

#include "aws/time.h"
#include "sys/file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <future>
#include <utility>

namespace berth::aws {
namespace {

using std::chrono::minutes;
using testing::AllOf;
using testing::HasSubstr;

// Answers by "METHOD URL", remembers what it was asked.
class FakeHttp final : public Http {
 public:
  Result<HttpResponse> send(const HttpRequest& request) override {
    asked.push_back(request);
    if (meanwhile) std::exchange(meanwhile, nullptr)();
    auto found = answers.find(request.method + " " + request.url);
    if (found == answers.end()) return fail(Errc::kUnavailable, "{}: no route", request.url);
    return found->second;
  }
  std::string header(size_t index, const std::string& name) const {
    for (const auto& [each, value] : asked.at(index).headers) {
      if (each == name) return value.reveal();
    }
    return "";
  }
  std::map<std::string, HttpResponse> answers;
  std::vector<HttpRequest> asked;
  std::function<void()> meanwhile;  // once: what others do while the first is answered
};

std::string sts_answer(const std::string& action, const std::string& key) {
  return "<" + action + "Response><" + action + "Result><Credentials><AccessKeyId>" + key +
         "</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>"
         "<Expiration>2100-01-01T00:00:00Z</Expiration></Credentials></" +
         action + "Result></" + action + "Response>";
}

class Chain : public testing::Test {
 protected:
  void SetUp() override {
    directory_.emplace(sys::TemporaryDirectory::make("/tmp", "aws_test.").value());
    environment = {{"HOME", directory_->path()}};
    ASSERT_TRUE(sys::make_directory(directory_->path() + "/.aws", 0700));
  }
  std::string write(const std::string& name, const std::string& text) {
    std::string path = directory_->path() + "/" + name;
    EXPECT_TRUE(sys::write_atomic(path, text, 0600));
    return path;
  }
  void config(const std::string& text) { write(".aws/config", text); }
  void credentials(const std::string& text) { write(".aws/credentials", text); }
  Result<Credentials> look(const std::string& profile = "") {
    return CredentialChain({environment, profile}, http, clock).get("eu-west-1");
  }
  std::string key() {
    auto found = look();
    return found ? found->key_id : found.error().text;
  }

  Environment environment;
  FakeHttp http;
  ManualClock clock;

 private:
  std::optional<sys::TemporaryDirectory> directory_;
};

TEST_F(Chain, TheEnvironmentGoesFirst) {
  credentials("[default]\naws_access_key_id = file\naws_secret_access_key = s\n");
  EXPECT_EQ(key(), "file");
  environment["AWS_ACCESS_KEY_ID"] = "env";
  EXPECT_EQ(key(),
            "AWS_SECRET_ACCESS_KEY: is not set although AWS_ACCESS_KEY_ID is; set both or neither");
  environment["AWS_SECRET_ACCESS_KEY"] = "s";
  environment["AWS_SESSION_TOKEN"] = "t";
  EXPECT_EQ(look()->session_token.reveal(), "t");
  EXPECT_EQ(key(), "env");
  EXPECT_EQ(look("default")->key_id, "file") << "named explicitly";
}

TEST_F(Chain, AProfileIsChosenByName) {
  credentials("[other]\naws_access_key_id = other\naws_secret_access_key = s\n");
  environment["AWS_PROFILE"] = "other";
  EXPECT_EQ(key(), "other");
  environment["AWS_PROFILE"] = "missing";
  EXPECT_THAT(key(),
              AllOf(HasSubstr("profile \"missing\": is neither in "), HasSubstr(".aws/config")));
}

TEST_F(Chain, AProcessPrintsThem) {
  config(
      "[default]\ncredential_process = printf "
      "'{\"Version\":1,\"AccessKeyId\":\"%s\",\"SecretAccessKey\":\"s\"}' \"a b\"\n");
  EXPECT_EQ(key(), "a b");
  config("[default]\ncredential_process = echo locked >&2; exit 3\n");
  EXPECT_EQ(key(), "profile \"default\": credential_process: exit status 3: locked");
}

TEST_F(Chain, ARoleIsAssumedByAnotherProfile) {
  config(
      "[default]\nrole_arn = arn\nsource_profile = base\nrole_session_name = me\nregion = "
      "eu-west-3\n"
      "[profile base]\naws_access_key_id = base\naws_secret_access_key = s\n");
  http.answers["POST https://sts.eu-west-3.amazonaws.com/"] = {200,
                                                               sts_answer("AssumeRole", "role")};
  EXPECT_EQ(key(), "role");
  EXPECT_THAT(http.header(0, "Authorization"), HasSubstr("Credential=base/"));
  EXPECT_THAT(http.asked[0].body.reveal(), HasSubstr("RoleSessionName=me"));
}

TEST_F(Chain, RolesLeadFromOneToTheNext) {
  config(
      "[default]\nrole_arn = two\nsource_profile = one\n[profile one]\nrole_arn = one\n"
      "credential_source = Environment\n");
  environment["AWS_ENDPOINT_URL_STS"] = "http://sts";
  environment["AWS_ACCESS_KEY_ID"] = "env";
  environment["AWS_SECRET_ACCESS_KEY"] = "s";
  http.answers["POST http://sts/"] = {200, sts_answer("AssumeRole", "role")};
  EXPECT_EQ(look("default")->key_id, "role");
  ASSERT_EQ(http.asked.size(), 2u);
  EXPECT_THAT(http.header(0, "Authorization"), HasSubstr("Credential=env/"));
  EXPECT_THAT(http.header(1, "Authorization"), HasSubstr("Credential=role/"));
  EXPECT_EQ(http.header(1, "X-Amz-Security-Token"), "t");
}

TEST_F(Chain, WhatAProfileCannotHaveIsSaid) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"role_arn = r\nsource_profile = a", "source_profile leads in a circle"},
      {"role_arn = r\nsource_profile = gone", "profile \"gone\": is neither in"},
      {"role_arn = r", "needs either source_profile or credential_source"},
      {"role_arn = r\nsource_profile = b\ncredential_source = Environment", "needs only one of"},
      {"role_arn = r\ncredential_source = Moon", "\"Moon\" is not Environment"},
      {"role_arn = r\nmfa_serial = m\nsource_profile = b", "one-time password"},
      {"role_arn = r\nsource_profile = b\nduration_seconds = 5", "is not between 900 and 43200"},
      {"login_session = s", "credential_process = aws configure export-credentials"},
      {"sso_session = s\nsso_account_id = 1\nsso_role_name = r", "no section [sso-session s] in"},
      {"sso_account_id = 1\nsso_role_name = r\nsso_region = r", "sso_start_url: is missing"},
      {"aws_access_key_id = A", "aws_secret_access_key: is missing beside aws_access_key_id"},
  };
  for (const auto& [text, said] : cases) {
    config("[default]\n" + text + "\n[profile a]\nrole_arn = r\nsource_profile = default\n");
    EXPECT_THAT(key(), HasSubstr(said)) << text;
  }
}

class SignedOn : public Chain {
 protected:
  void SetUp() override {
    Chain::SetUp();
    config(
        "[default]\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = Dev eloper\n"
        "[sso-session corp]\nsso_start_url = https://corp.example/start\nsso_region = eu-west-3\n");
    http.answers[kAsk] = {200, R"({"roleCredentials":{"accessKeyId":"sso","secretAccessKey":"s",)"
                               R"("sessionToken":"t","expiration":1700003600000}})"};
  }
  // The name is the SHA-1 of "corp", as `aws sso login --sso-session corp` computes it.
  void sign_on(Duration good_for, const std::string& more = "") {
    ASSERT_TRUE(sys::make_directories(environment["HOME"] + "/.aws/sso/cache", 0700));
    path = write(".aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json",
                 R"({"accessToken":"first","expiresAt":")" +
                     format_rfc3339_seconds(clock.wall() + good_for) + "\"" + more + "}");
  }
  void sign_on_elsewhere() {
    write(".aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json",
          R"({"accessToken":"theirs","expiresAt":"2100-01-01T00:00:00Z"})");
  }
  static constexpr const char* kAsk =
      "GET https://portal.sso.eu-west-3.amazonaws.com/federation/credentials?"
      "account_id=123456789012&role_name=Dev%20eloper";
  static constexpr const char* kRenew = "POST https://oidc.eu-west-3.amazonaws.com/token";
  const std::string renewable = R"(,"clientId":"c","clientSecret":"cs","refreshToken":"again",)"
                                R"("registrationExpiresAt":"2100-01-01T00:00:00Z")";
  std::string path;
};

TEST_F(SignedOn, TheTokenIsChangedForTheKeysOfTheRole) {
  EXPECT_THAT(key(), AllOf(HasSubstr("nobody has signed in"),
                           HasSubstr("run: aws sso login --sso-session corp")));
  sign_on(minutes(60), renewable);
  EXPECT_EQ(key(), "sso");
  EXPECT_EQ(http.header(0, "x-amz-sso_bearer_token"), "first");
  EXPECT_EQ(look()->expires, parse_rfc3339("2023-11-14T23:13:20Z"));
  http.answers[kAsk] = {401, R"({"message":"Session token not found or invalid"})"};
  EXPECT_THAT(key(), HasSubstr("GetRoleCredentials: Session token not found or invalid; run: aws"));
  http.answers[kAsk] = {403, R"({"message":"No access"})"};
  EXPECT_EQ(key(), "profile \"default\": GetRoleCredentials: No access");
}

TEST_F(SignedOn, ATokenNearItsEndIsRenewedWhereItIsKept) {
  sign_on(minutes(10), renewable);
  http.answers[kRenew] = {200,
                          R"({"accessToken":"second","expiresIn":3600,"refreshToken":"next"})"};
  EXPECT_EQ(key(), "sso");
  EXPECT_THAT(http.asked[0].body.reveal(),
              AllOf(HasSubstr(R"("refreshToken":"again")"), HasSubstr(R"("clientSecret":"cs")")));
  EXPECT_EQ(http.header(1, "x-amz-sso_bearer_token"), "second");
  std::string kept = sys::read_file(path, 4096).value();
  EXPECT_THAT(kept,
              AllOf(HasSubstr(R"("accessToken":"second")"), HasSubstr(R"("refreshToken":"next")"),
                    HasSubstr(R"("startUrl":"https://corp.example/start")"),
                    HasSubstr(R"("expiresAt":"2023-11-14T23:13:20Z")")));
  EXPECT_EQ(key(), "sso") << "what is kept is read again";
  EXPECT_EQ(http.asked.size(), 3u) << "and needs no renewal";
}

TEST_F(SignedOn, WhatAnotherToolRenewedMeanwhileIsTaken) {
  sign_on(-minutes(1), renewable);
  http.answers[kRenew] = {400, R"({"error":"invalid_grant"})"};  // the refresh token is used up
  http.meanwhile = [this] { sign_on_elsewhere(); };
  EXPECT_EQ(key(), "sso");
  EXPECT_EQ(http.header(1, "x-amz-sso_bearer_token"), "theirs");
}

TEST_F(SignedOn, OneRenewsAndTheOthersTakeWhatItGot) {
  sign_on(-minutes(1), renewable);
  sys::Fd cache = sys::open(path.substr(0, path.rfind('/')), O_RDONLY | O_DIRECTORY).value();
  ASSERT_TRUE(sys::lock(cache.get(), sys::LockMode::kExclusive));  // somebody renews it
  auto second = std::async(std::launch::async, [this] { return key(); });
  EXPECT_EQ(second.wait_for(std::chrono::milliseconds(200)), std::future_status::timeout);
  sign_on_elsewhere();
  cache.reset();
  EXPECT_EQ(second.get(), "sso");
  EXPECT_EQ(http.asked.size(), 1u) << "nobody was asked for another token";
}

TEST_F(SignedOn, ATokenThatIsNotRenewedWillDoUntilItsEnd) {
  http.answers[kRenew] = {400, R"({"error":"invalid_grant"})"};
  sign_on(minutes(10), renewable);
  EXPECT_EQ(key(), "sso");
  EXPECT_EQ(http.header(1, "x-amz-sso_bearer_token"), "first");
  clock.advance(minutes(11));
  EXPECT_THAT(key(), AllOf(HasSubstr("the session has ended at 2023-11-14T22:23:20Z and could not "
                                     "be renewed: CreateToken: "),
                           HasSubstr("run: aws sso login --sso-session corp")));
  sign_on(-minutes(1));
  size_t before = http.asked.size();
  EXPECT_THAT(key(), HasSubstr("the session has ended at 2023-11-14T22:23:20Z; run:"));
  EXPECT_EQ(http.asked.size(), before) << "without a refresh token nobody is asked";
}

TEST_F(SignedOn, EndpointsAreThoseThatAreConfigured) {
  sign_on(minutes(10), renewable);
  environment["AWS_ENDPOINT_URL_SSO"] = "http://sso/base/";
  environment["AWS_ENDPOINT_URL_SSO_OIDC"] = "http://oidc";
  http.answers
      ["GET http://sso/base/federation/credentials?"
       "account_id=123456789012&role_name=Dev%20eloper"] = http.answers[kAsk];
  http.answers["POST http://oidc/token"] = {200, R"({"accessToken":"second","expiresIn":3600})"};
  EXPECT_EQ(key(), "sso");
  EXPECT_THAT(sys::read_file(path, 4096).value(), HasSubstr(R"("refreshToken":"again")"));
}

TEST_F(SignedOn, ProfileAndSessionMustAgree) {
  config(
      "[default]\nsso_session = corp\nsso_account_id = 1\nsso_role_name = r\nsso_region = a\n"
      "[sso-session corp]\nsso_start_url = https://corp.example/start\nsso_region = b\n");
  EXPECT_THAT(key(), HasSubstr("sso_region: is \"a\" in the profile but \"b\" in its sso_session"));
}

TEST_F(Chain, AWebIdentityIsEnough) {
  environment["AWS_WEB_IDENTITY_TOKEN_FILE"] = write("token", "jwt\n");
  EXPECT_THAT(key(), HasSubstr("AWS_ROLE_ARN: is not set"));
  environment["AWS_ROLE_ARN"] = "arn";
  http.answers["POST https://sts.eu-west-1.amazonaws.com/"] = {
      200, sts_answer("AssumeRoleWithWebIdentity", "web")};
  EXPECT_EQ(key(), "web");
  EXPECT_THAT(http.asked[0].body.reveal(), HasSubstr("WebIdentityToken=jwt"));
  EXPECT_EQ(http.header(0, "Authorization"), "");
}

TEST_F(Chain, AContainersEndpointIsAsked) {
  const HttpResponse answer{200, R"({"AccessKeyId":"task","SecretAccessKey":"s","Token":"t"})"};
  environment["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/v2/credentials/id";
  http.answers["GET http://169.254.170.2/v2/credentials/id"] = answer;
  EXPECT_EQ(key(), "task");
  EXPECT_EQ(http.asked[0].route, Route::kDirect);
  environment.erase("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://127.0.0.1:1/x?a=b";
  environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = "from the variable";
  environment["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = write("token", "from the file\n");
  http.answers["GET http://127.0.0.1:1/x?a=b"] = answer;
  EXPECT_EQ(key(), "task");
  EXPECT_EQ(http.header(1, "Authorization"), "from the file");
  write("token", "one\r\nX-Two: lines");
  EXPECT_THAT(key(), HasSubstr("is more than one line"));
  environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://example.com/x";
  EXPECT_THAT(key(), HasSubstr("plain http is for loopback"));
}

TEST_F(Chain, AnInstanceIsAskedLast) {
  const std::string at = "http://169.254.169.254/latest/";
  http.answers["PUT " + at + "api/token"] = {200, "imds-token"};
  http.answers["GET " + at + "meta-data/iam/security-credentials/"] = {200, "my role\nother"};
  EXPECT_THAT(key(), HasSubstr("the instance has no role")) << "blanks are none of a role's";
  http.answers["GET " + at + "meta-data/iam/security-credentials/"] = {200, "my-role\n"};
  http.answers["GET " + at + "meta-data/iam/security-credentials/my-role"] = {
      200, R"({"Code":"Success","AccessKeyId":"ec2","SecretAccessKey":"s","Token":"t"})"};
  EXPECT_EQ(key(), "ec2");
  EXPECT_EQ(http.header(http.asked.size() - 1, "X-aws-ec2-metadata-token"), "imds-token");
  EXPECT_EQ(http.asked.back().route, Route::kDirect);
  environment["AWS_EC2_METADATA_DISABLED"] = "true";
  EXPECT_THAT(key(), HasSubstr("AWS_EC2_METADATA_DISABLED is true"));
}

TEST_F(Chain, WithoutAnySourceAllAreNamed) {
  auto none = look();
  EXPECT_EQ(none.error().code, Errc::kDenied);
  EXPECT_THAT(
      none.error().text,
      AllOf(HasSubstr("no AWS credentials: AWS_ACCESS_KEY_ID is not set"),
            HasSubstr("no profile \"default\" in "), HasSubstr(".aws/credentials"),
            HasSubstr("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and _FULL_URI are not set"),
            HasSubstr("instance metadata: http://169.254.169.254/latest/api/token: no route")));
}

TEST_F(Chain, KeysAreRenewedAheadOfTheirEnd) {
  environment["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/x";
  auto answer = [&](const std::string& name, Duration good_for) {
    http.answers["GET http://169.254.170.2/x"] = {
        200, R"({"AccessKeyId":")" + name +
                 R"(","SecretAccessKey":"s","Token":"t","Expiration":")" +
                 format_rfc3339_seconds(clock.wall() + good_for) + "\"}"};
  };
  CredentialChain chain({environment, ""}, http, clock);
  answer("one", minutes(60));
  EXPECT_EQ(chain.get("r")->key_id, "one");
  answer("two", minutes(120));
  clock.advance(minutes(49));
  EXPECT_EQ(chain.get("r")->key_id, "one");
  clock.advance(minutes(1));
  EXPECT_EQ(chain.get("r")->key_id, "two");
  http.answers.clear();
  clock.advance(minutes(65));
  EXPECT_EQ(chain.get("r")->key_id, "two") << "not renewed, but still good";
  clock.advance(minutes(10));
  EXPECT_FALSE(chain.get("r")) << "expired";
}

}  // namespace
}  // namespace berth::aws
