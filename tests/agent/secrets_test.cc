#include "agent/aws_client.h"
#include "agent/container_environment.h"
#include "agent/environment_file.h"
#include "agent/secret_reference.h"
#include "sys/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace berth::agent {
namespace {

using testing::HasSubstr;

TEST(SecretReference, AnArnHasNamesKeysAndVersions) {
  std::string arn = "arn:aws:secretsmanager:eu-west-1:1:secret:a/b-AbC123";
  SecretReference whole = parse_secret_reference(arn).value();
  EXPECT_EQ(whole.kind, SecretKind::kSecret);
  EXPECT_EQ(whole.id, arn);
  EXPECT_EQ(whole.name, "a/b-AbC123");
  EXPECT_EQ(whole.region, "eu-west-1");
  SecretReference parts = parse_secret_reference(arn + ":key:AWSPREVIOUS:id").value();
  EXPECT_EQ(parts.id, arn);
  EXPECT_EQ(parts.json_key + "," + parts.version_stage + "," + parts.version_id,
            "key,AWSPREVIOUS,id");
  EXPECT_EQ(parse_secret_reference(arn + ":::id")->version_id, "id");
  EXPECT_EQ(parse_secret_reference("/a/b")->kind, SecretKind::kParameter);
  EXPECT_EQ(parse_secret_reference("arn:aws:ssm:r:1:parameter/a/b")->name, "/a/b");
  EXPECT_EQ(parse_secret_reference("arn:aws:ssm:r:1:parameter/a")->name, "a");
  for (const char* bad : {"", "arn:", "arn:aws:s3:::b/k",
                          "arn:aws:secretsmanager:r:1:secret:", "arn:aws:ssm:r:1:parameter/",
                          "arn:aws:secretsmanager:r:1:secret:a:b:c:d:e"}) {
    EXPECT_FALSE(parse_secret_reference(bad)) << bad;
  }
}

TEST(SecretReference, OnlyTheSixCharactersOfAwsAreASuffix) {
  EXPECT_EQ(without_suffix("db-AbC123"), "db");
  EXPECT_EQ(without_suffix("db-AbC12"), "db-AbC12");
  EXPECT_EQ(without_suffix("db-AbC_23"), "db-AbC_23");
  EXPECT_EQ(without_suffix("-AbC123"), "-AbC123");
}

TEST(EnvironmentFile, HasTheRulesOfAmazonsAgent) {
  auto found = parse_environment_file("A=1\n#B=2\nC\n=3\nD=a=b \r\n\nE=\nA=2").value();
  EXPECT_EQ(found, (std::vector<scheduler::KeyValue>{{"A", "2"}, {"D", "a=b "}}));
  EXPECT_THAT(parse_environment_file(std::string("A=1\nB=\0", 7)).error().text,
              HasSubstr("line 2: a NUL byte"));
  EXPECT_THAT(parse_environment_file("A=1\nB=\xff").error().text,
              HasSubstr("line 2: is not UTF-8"));
  std::string many;
  for (size_t i = 0; i < kEnvironmentVariablesMax; ++i) many += fmt::format("A{}=1\n", i);
  EXPECT_TRUE(parse_environment_file(many));
  EXPECT_FALSE(parse_environment_file(many + "A=1\n"));
  EXPECT_EQ(parse_object_arn("arn:aws:s3:::b/k:1/x.env").value(), (ObjectName{"b", "k:1/x.env"}));
  for (const char* bad : {"arn:aws:s3:::b", "arn:aws:s3:::b/", "arn:aws:s3:::/k", "b/k"}) {
    EXPECT_FALSE(parse_object_arn(bad)) << bad;
  }
}

TEST(RepositoryCredentials, AreReadAsTheEcsAgentReadsThem) {
  auto read = parse_repository_credentials(Secret(R"({"Username":"u","password":"p","more":1})"));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->user + ":" + read->password.reveal(), "u:p");
  const std::pair<const char*, const char*> kBad[] = {
      {"u:p", "unable to unmarshal secret value, invalid schema"},
      {R"(["u","p"])", "unable to unmarshal secret value, invalid schema"},
      {R"({"username":1,"password":"p"})", "unable to unmarshal secret value, invalid schema"},
      {R"({"password":"p"})", "asm fetching username: AuthorizationData is malformed, empty field"},
      {R"({"username":"u"})", "asm fetching password: AuthorizationData is malformed, empty field"},
  };
  for (const auto& [text, why] : kBad) {
    auto refused = parse_repository_credentials(Secret(text));
    ASSERT_FALSE(refused) << text;
    EXPECT_THAT(refused.error().text, HasSubstr(why));
  }
}

TEST(AwsClient, AMemberOfASecretIsPicked) {
  Secret value(R"({"a":"text","b":{"c":1},"n":null})");
  EXPECT_EQ(pick_member(value, "a")->reveal(), "text");
  EXPECT_EQ(pick_member(value, "b")->reveal(), R"({"c":1})");
  EXPECT_FALSE(pick_member(value, "n"));
  EXPECT_THAT(pick_member(value, "x").error().text, HasSubstr("did not contain json key x"));
  EXPECT_FALSE(pick_member(Secret("plain"), "a"));
}

TEST(AwsClient, AnswersAreValuesOrTheServicesOwnWords) {
  EXPECT_EQ(parse_value({200, R"({"SecretString":"v"})"}, SecretKind::kSecret)->reveal(), "v");
  EXPECT_EQ(parse_value({200, R"({"Parameter":{"Value":"v"}})"}, SecretKind::kParameter)->reveal(),
            "v");
  EXPECT_FALSE(parse_value({200, R"({"SecretBinary":"AA=="})"}, SecretKind::kSecret));
  auto gone = parse_value({400, R"({"__type":"x#ResourceNotFoundException","message":"no"})"},
                          SecretKind::kSecret);
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, Errc::kNotFound);
  EXPECT_THAT(gone.error().text, HasSubstr("ResourceNotFoundException: no"));
  EXPECT_EQ(parse_object({503, ""}).error().code, Errc::kUnavailable);
  EXPECT_EQ(parse_object({404, "<Error><Code>NoSuchKey</Code></Error>"}).error().code,
            Errc::kNotFound);
}

}  // namespace
}  // namespace berth::agent
