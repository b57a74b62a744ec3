#include "aws/config_file.h"

#include "aws/shared_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace berth::aws {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;

constexpr const char* kConfig = R"(# a comment
[default]
Region = eu-west-1 # Ireland
s3 =
  endpoint_url = http://s3
  max_concurrent_requests = 3
services = mine

[profile two words]
credential_process = /bin/keys --for "x y";z
[profile "quoted"] ; a comment
role_arn = arn
  more of it
[services mine]
ecr =
  Endpoint_URL = http://ecr
[sso-session someone]
sso_start_url = https://x
[plainname]
region = nowhere
)";

TEST(ConfigFile, IsRead) {
  auto file = parse_config_file(kConfig, "config", FileKind::kConfig);
  ASSERT_TRUE(file) << file.error().text;
  EXPECT_EQ(file->profiles.size(), 3u);
  EXPECT_EQ(file->profiles["default"].values["region"], "eu-west-1");
  EXPECT_EQ(file->profiles["default"].nested["s3"]["endpoint_url"], "http://s3");
  EXPECT_EQ(file->profiles["two words"].values["credential_process"], "/bin/keys --for \"x y\";z");
  EXPECT_EQ(file->profiles["quoted"].values["role_arn"], "arn\nmore of it");
  EXPECT_EQ(file->sso_sessions["someone"].values["sso_start_url"], "https://x");
  EXPECT_THAT(file->services["mine"].nested["ecr"],
              ElementsAre(Pair("endpoint_url", "http://ecr")));
}

TEST(ConfigFile, CredentialsHavePlainNames) {
  auto file = parse_config_file("\xef\xbb\xbf[one]\r\naws_access_key_id=A\r\n", "credentials",
                                FileKind::kCredentials);
  ASSERT_TRUE(file) << file.error().text;
  EXPECT_EQ(file->profiles["one"].values["aws_access_key_id"], "A");
}

TEST(ConfigFile, WhatIsMalformedIsNamedByItsLine) {
  for (const char* text :
       {"[default]\nsecret", "[default]\n= secret", "secret = 1", "[default\n", "[default] secret",
        "[default]\n  secret", "[default]\nx=\n  secret", "[default]\n\nsecret"}) {
    auto file = parse_config_file(text, "config", FileKind::kConfig);
    ASSERT_FALSE(file) << text;
    EXPECT_EQ(file.error().code, Errc::kInvalid);
    EXPECT_THAT(file.error().text, HasSubstr("config: line "));
    EXPECT_THAT(file.error().text, Not(HasSubstr("secret")));
  }
}

TEST(SharedConfig, TheCredentialsFileGoesFirst) {
  auto config = parse_config_file(
      "[default]\nregion = r\naws_access_key_id = config\nservices = s\n[services s]\necr =\n"
      "  endpoint_url = http://e\n",
      "config", FileKind::kConfig);
  auto credentials = parse_config_file("[default]\naws_access_key_id = credentials\n",
                                       "credentials", FileKind::kCredentials);
  Profile profile = merge_config(*config, *credentials).profiles["default"];
  EXPECT_EQ(profile.value("region"), "r");
  EXPECT_EQ(profile.value("aws_access_key_id"), "credentials");
  EXPECT_EQ(profile.endpoints["ecr"], "http://e");
  EXPECT_EQ(profile.value("nothing"), "");
}

}  // namespace
}  // namespace berth::aws
