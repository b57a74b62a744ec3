#include "image/ecr.h"

#include "aws/time.h"
#include "image/challenge.h"
#include "sys/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace berth::image {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kRegistry = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";

TEST(EcrRegistry, TellsItselfByItsName) {
  auto api = [](const std::string& name) {
    auto registry = parse_ecr_registry(name);
    return registry ? ecr_api(*registry).host : "";
  };
  EXPECT_EQ(parse_ecr_registry(kRegistry)->account, "123456789012");
  EXPECT_EQ(parse_ecr_registry(kRegistry)->region, "eu-west-1");
  EXPECT_EQ(api(kRegistry), "api.ecr.eu-west-1.amazonaws.com");
  EXPECT_EQ(api("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn"),
            "api.ecr.cn-north-1.amazonaws.com.cn");
  EXPECT_EQ(api("123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com"),
            "api.ecr-fips.us-gov-west-1.amazonaws.com");
  EXPECT_EQ(api("123456789012.dkr-ecr.eu-west-1.on.aws"), "ecr.eu-west-1.api.aws");
  EXPECT_EQ(api("123456789012.dkr-ecr-fips.us-east-1.on.aws"), "ecr-fips.us-east-1.api.aws");
  for (const char* name :
       {"", "docker.io", "public.ecr.aws", "12345678901.dkr.ecr.eu-west-1.amazonaws.com",
        "1234567890123.dkr.ecr.eu-west-1.amazonaws.com",
        "x23456789012.dkr.ecr.eu-west-1.amazonaws.com",
        "123456789012.dkr.ecr.eu-west-1.amazonaws.com.evil.example",
        "123456789012.dkr.ecr.eu-west-1.amazonaws.org", "123456789012.dkr.ecr..amazonaws.com",
        "123456789012.dkr.ecr.amazonaws.com", "123456789012.dkr-ecr.eu-west-1.amazonaws.com",
        "123456789012.dkr.ecr.eu-west-1.on.aws", "123456789012.dkr.ecr.EU.amazonaws.com",
        "123456789012.dkr.ecr.eu-west-1.amazonaws.com:5000"}) {
    EXPECT_FALSE(parse_ecr_registry(name)) << name;
  }
}

std::string answer(const std::string& pair, WallTime expires) {
  return fmt::format(
      R"({{"authorizationData":[{{"authorizationToken":"{}","expiresAt":{}.5,"proxyEndpoint":"https://x"}}]}})",
      encode_base64(pair), std::chrono::duration_cast<seconds>(expires.time_since_epoch()).count());
}

TEST(EcrAnswer, IsReadOrSaysWhyNot) {
  WallTime now(hours(480000));
  auto token = parse_ecr_answer({200, answer("AWS:pass:word", now + hours(12))}, now);
  ASSERT_TRUE(token) << token.error().text;
  EXPECT_EQ(token->user, "AWS");
  EXPECT_EQ(token->password.reveal(), "pass:word");
  EXPECT_EQ(token->expires, now + hours(12));
  auto refused = parse_ecr_answer(
      {400,
       R"({"__type":"UnrecognizedClientException","message":"The security token included in the request is invalid."})"},
      now);
  EXPECT_EQ(refused.error().code, Errc::kDenied);
  EXPECT_EQ(refused.error().text,
            "UnrecognizedClientException: The security token included in the request is invalid.");
  EXPECT_EQ(parse_ecr_answer({503, ""}, now).error().code, Errc::kUnavailable);
  EXPECT_EQ(parse_ecr_answer({400, R"({"__type":"ThrottlingException"})"}, now).error().code,
            Errc::kUnavailable);
  for (const std::string& body :
       {answer("hunter2", now), answer("AWS:hunter2\n", now), std::string("hunter2"),
        std::string(R"({"authorizationData":[]})"), std::string("{}"),
        std::string(R"({"authorizationData":[{"authorizationToken":"QVdTOng="}]})"),
        std::string(
            R"({"authorizationData":[{"authorizationToken":"QVdTOng=","expiresAt":1e300}]})")}) {
    auto bad = parse_ecr_answer({200, body}, now);
    ASSERT_FALSE(bad) << body;
    EXPECT_THAT(bad.error().text, Not(HasSubstr("hunter2")));
  }
}

TEST(EcrToken, IsFreshForMostOfItsTime) {
  WallTime now(hours(480000));
  EcrToken day{"AWS", Secret("p"), now, now + hours(12)};
  EXPECT_TRUE(is_fresh(day, now + hours(11) + minutes(29)));
  EXPECT_FALSE(is_fresh(day, now + hours(11) + minutes(30)));
  EcrToken brief{"AWS", Secret("p"), now, now + minutes(8)};
  EXPECT_TRUE(is_fresh(brief, now + minutes(5)));
  EXPECT_FALSE(is_fresh(brief, now + minutes(6)));
}

TEST(KeptToken, IsOfItsKeyAlone) {
  WallTime now(hours(480000));
  EcrToken token{"AWS", Secret("p"), now, now + hours(12)};
  EcrTokenKey key{"123456789012", "eu-west-1", "https://x/", "AKID"};
  std::string text = render_kept_token(key, token);
  auto read = parse_kept_token(text, key);
  ASSERT_TRUE(read) << read.error().text;
  EXPECT_EQ(read->password.reveal(), "p");
  EXPECT_EQ(read->expires, token.expires);
  EcrTokenKey other = key;
  other.key_id = "other";
  EXPECT_FALSE(parse_kept_token(text, other));
  EXPECT_NE(key.file_name(), other.file_name());
  for (size_t length = 0; length + 2 < text.size(); ++length) {
    EXPECT_FALSE(parse_kept_token(text.substr(0, length), key)) << length;
  }
}

// ECR as far as a client sees it: a new token each time.
class FakeEcr final : public aws::Http {
 public:
  struct State {
    int asked = 0;
    std::optional<aws::HttpResponse> refusal;
    std::string authorization;
    WallTime now;
  };
  explicit FakeEcr(State& state) : state_(state) {}
  Result<aws::HttpResponse> send(const aws::HttpRequest& request) override {
    ++state_.asked;
    for (const auto& [name, value] : request.headers) {
      if (name == "Authorization") state_.authorization = value.reveal();
    }
    if (state_.refusal) return *state_.refusal;
    std::string password = fmt::format("token-{}", state_.asked);
    return aws::HttpResponse{200, answer("AWS:" + password, state_.now + hours(12))};
  }

 private:
  State& state_;
};

class SharedClock final : public Clock {
 public:
  explicit SharedClock(const WallTime& now) : now_(now) {}
  Instant now() override { return Instant(now_.time_since_epoch()); }
  WallTime wall() override { return now_; }

 private:
  const WallTime& now_;
};

class Ecr : public testing::Test {
 protected:
  void SetUp() override {
    directory_.emplace(sys::TemporaryDirectory::make("/tmp", "ecr_test.").value());
    state.now = WallTime(hours(480000));
    environment = {{"HOME", directory_->path()},
                   {"AWS_ACCESS_KEY_ID", "AKID"},
                   {"AWS_SECRET_ACCESS_KEY", "s"},
                   {"AWS_EC2_METADATA_DISABLED", "true"}};
  }
  std::string tokens() const { return directory_->path() + "/ecr"; }
  EcrCredentials make() {
    return EcrCredentials({{environment, ""}, "", tokens()}, std::make_unique<FakeEcr>(state),
                          std::make_unique<SharedClock>(state.now));
  }
  static std::string password(EcrCredentials& ecr, Freshness freshness = Freshness::kAny) {
    auto found = ecr.credentials(kRegistry, freshness);
    if (!found) return found.error().text;
    return *found ? (*found)->password.reveal() : "";
  }

  FakeEcr::State state;
  aws::Environment environment;

 private:
  std::optional<sys::TemporaryDirectory> directory_;
};

TEST_F(Ecr, OthersAreNoneOfItsBusiness) {
  EcrCredentials ecr = make();
  EXPECT_FALSE(ecr.credentials("docker.io", Freshness::kAny)->has_value());
  EXPECT_EQ(state.asked, 0);
}

TEST_F(Ecr, ATokenIsKeptUntilItIsOldOrRefused) {
  EcrCredentials ecr = make();
  EXPECT_EQ(password(ecr), "token-1");
  EXPECT_THAT(state.authorization, HasSubstr("/eu-west-1/ecr/aws4_request"));
  EXPECT_EQ(password(ecr), "token-1");
  EXPECT_EQ(password(ecr, Freshness::kFresh), "token-2");
  EXPECT_EQ(password(ecr), "token-2");
  state.now += hours(11) + minutes(31);
  EXPECT_EQ(password(ecr), "token-3");
}

TEST_F(Ecr, ATokenIsKeptOnDiskForItsKeysAlone) {
  EcrCredentials first = make();
  EXPECT_EQ(password(first), "token-1");
  EXPECT_EQ(sys::stat(tokens())->st_mode & 0777, 0700u);
  auto files = sys::list_directory(tokens()).value();
  ASSERT_EQ(files.size(), 1u);
  EXPECT_EQ(sys::stat(tokens() + "/" + files[0])->st_mode & 0777, 0600u);
  EcrCredentials second = make();
  EXPECT_EQ(password(second), "token-1");
  EXPECT_EQ(state.asked, 1);
  environment["AWS_ACCESS_KEY_ID"] = "OTHER";
  EcrCredentials other = make();
  EXPECT_EQ(password(other), "token-2");
  EXPECT_EQ(sys::list_directory(tokens())->size(), 2u);
  state.now += hours(13);
  EXPECT_EQ(password(other), "token-3");
  EXPECT_EQ(sys::list_directory(tokens())->size(), 1u) << "what has expired is removed";
  ASSERT_TRUE(
      sys::write_atomic(tokens() + "/" + sys::list_directory(tokens())->front(), "{", 0600));
  EcrCredentials third = make();
  EXPECT_EQ(password(third), "token-4") << "half a file is no token";
}

TEST_F(Ecr, WhatEcrSaysIsSaid) {
  EcrCredentials ecr = make();
  state.refusal = {400, R"({"__type":"AccessDeniedException","message":"not you"})"};
  EXPECT_EQ(password(ecr),
            std::string("ECR token for ") + kRegistry +
                ": GetAuthorizationToken with key AKID at "
                "https://api.ecr.eu-west-1.amazonaws.com/: AccessDeniedException: not you");
  EXPECT_FALSE(sys::exists(tokens()));
}

TEST_F(Ecr, AnOldTokenWillDoWhileEcrIsAway) {
  EcrCredentials ecr = make();
  EXPECT_EQ(password(ecr), "token-1");
  state.now += hours(11) + minutes(31);
  state.refusal = {503, ""};
  EXPECT_EQ(password(ecr), "token-1");
  EXPECT_THAT(password(ecr, Freshness::kFresh), HasSubstr("status 503"));
  state.now += hours(1);
  EXPECT_THAT(password(ecr), HasSubstr("status 503"));
}

TEST_F(Ecr, WithoutKeysTheSourcesAreNamed) {
  environment.erase("AWS_ACCESS_KEY_ID");
  environment.erase("AWS_SECRET_ACCESS_KEY");
  EcrCredentials ecr = make();
  EXPECT_THAT(password(ecr), AllOf(HasSubstr("no AWS credentials: AWS_ACCESS_KEY_ID is not set"),
                                   HasSubstr("AWS_EC2_METADATA_DISABLED is true")));
  EXPECT_EQ(state.asked, 0);
}

}  // namespace
}  // namespace berth::image
