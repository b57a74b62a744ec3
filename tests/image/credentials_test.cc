#include "image/credentials.h"

#include "image/challenge.h"
#include "image/registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace berth::image {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Challenge, IsParsed) {
  auto challenges = parse_challenges(
      R"(Bearer realm="https://a/t?x=1,2",service=reg, scope="repository:a/b:pull,push", Basic realm="q\"r")");
  ASSERT_EQ(challenges.size(), 2u);
  EXPECT_EQ(challenges[0].scheme, "bearer");
  EXPECT_EQ(challenges[0].parameters["realm"], "https://a/t?x=1,2");
  EXPECT_EQ(challenges[0].parameters["service"], "reg");
  EXPECT_EQ(challenges[0].parameters["scope"], "repository:a/b:pull,push");
  EXPECT_EQ(challenges[1].scheme, "basic");
  EXPECT_EQ(challenges[1].parameters["realm"], "q\"r");
  EXPECT_TRUE(parse_challenges("").empty());
  EXPECT_TRUE(parse_challenges("=\"").empty());
}

TEST(Base64, GoesBothWays) {
  for (const std::string text : {"", "a", "ab", "abc", "user:pass word"}) {
    EXPECT_EQ(decode_base64(encode_base64(text)), text);
  }
  EXPECT_EQ(decode_base64("!!"), "");
}

TEST(DockerConfig, KnowsTheWaysToWriteARegistry) {
  auto config = parse_docker_config(
      R"({"auths":{"https://index.docker.io/v1/":{"auth":"dTpw"},
                   "https://r.example/v2/":{"auth":"YTpiOmM="},"h:5":{"auth":"eDp5"}},
          "credHelpers":{"e":"ecr-login"},"credsStore":"pass"})",
      "config.json");
  ASSERT_TRUE(config) << config.error().text;
  EXPECT_EQ(find_auth(*config, "docker.io")->user, "u");
  EXPECT_EQ(find_auth(*config, "r.example")->password.reveal(), "b:c");
  EXPECT_EQ(find_auth(*config, "h:5")->user, "x");
  EXPECT_FALSE(find_auth(*config, "h"));
  EXPECT_EQ(config->cred_helpers["e"], "ecr-login");
}

TEST(DockerConfig, SecretsAreNotPrinted) {
  EXPECT_EQ(fmt::format("{}", Secret("hunter2")), "***");
  auto config = parse_docker_config(R"({"auths":{"h":{"auth":"aHVudGVyMg=="}}})", "config.json");
  ASSERT_FALSE(config);
  EXPECT_THAT(config.error().text, Not(HasSubstr("hunter2")));
}

TEST(Helper, IdentityTokensAreTold) {
  auto token = parse_helper_output(R"({"ServerURL":"h","Username":"<token>","Secret":"s"})");
  EXPECT_EQ(token->value().identity_token.reveal(), "s");
  auto user = parse_helper_output(R"({"Username":"u","Secret":"s"})");
  EXPECT_EQ(user->value().password.reveal(), "s");
}

TEST(GivenCredentials, AreForOneRegistryAndForNoMirrorOfIt) {
  Credentials given;
  given.user = "me";
  CredentialProviders providers = {std::make_shared<GivenCredentials>("registry:5000", given)};
  EXPECT_EQ((*find_credentials(providers, "registry:5000", Freshness::kAny))->user, "me");
  for (const char* other : {"registry", "mirror:5000", "docker.io"}) {
    EXPECT_FALSE(find_credentials(providers, other, Freshness::kAny)->has_value()) << other;
  }
}

TEST(PlainHttp, IsForLoopbackAndWhatIsConfigured) {
  EXPECT_TRUE(is_plain_allowed("127.0.0.1:5000", {}));
  EXPECT_TRUE(is_plain_allowed("localhost", {}));
  EXPECT_TRUE(is_plain_allowed("[::1]:5000", {}));
  EXPECT_TRUE(is_plain_allowed("10.0.0.1:5000", {"10.0.0.1:5000"}));
  EXPECT_FALSE(is_plain_allowed("10.0.0.1:5000", {"10.0.0.1:5001"}));
  EXPECT_FALSE(is_plain_allowed("127.0.0.1.example.com", {}));
  EXPECT_FALSE(is_plain_allowed("docker.io", {}));
}

TEST(Origin, DecidesAboutAuthorization) {
  EXPECT_EQ(origin_of("https://H:1/a?b"), "https://h:1");
  EXPECT_NE(origin_of("https://h/a"), origin_of("https://h:444/a"));
  EXPECT_EQ(origin_of("https://h/a"), origin_of("https://h:443/b"));
  EXPECT_NE(origin_of("http://h/a"), origin_of("http://h:443/a"));
}

}  // namespace
}  // namespace berth::image
