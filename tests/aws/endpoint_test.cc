#include "aws/endpoint.h"

#include "aws/container_credentials.h"
#include "aws/instance_credentials.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace berth::aws {
namespace {

using testing::HasSubstr;

TEST(Url, IsTakenApart) {
  Url url = *parse_url("HTTPS://Ecr.Example:443/a/b");
  EXPECT_EQ(url.scheme, "https");
  EXPECT_EQ(url.host, "ecr.example");
  EXPECT_EQ(url.path, "/a/b");
  EXPECT_EQ(parse_url("http://[::1]:8000")->to_string(), "http://[::1]:8000/");
  EXPECT_EQ(parse_url("http://[::1]:8000")->name(), "::1");
  EXPECT_EQ(parse_url("http://127.0.0.1:443")->host, "127.0.0.1:443");
  for (const char* text : {"", "ecr.example", "ftp://x", "http://", "http:///x", "http://a b",
                           "http://user@x", "http://x/?q", "http://x/\n"}) {
    auto bad = parse_url(text);
    ASSERT_FALSE(bad) << text;
    EXPECT_EQ(bad.error().code, Errc::kInvalid);
  }
}

TEST(Endpoint, IsFoundInTheOrderOfAmazonsTools) {
  Profile profile{"p", {{"endpoint_url", "http://profile"}}, {{"ecr", "http://profile-ecr"}}};
  auto host = [&](const Environment& environment, const char* service) {
    auto url = configured_endpoint(service, environment, &profile);
    return *url ? (*url)->host : std::string();
  };
  Environment both = {{"AWS_ENDPOINT_URL_ECR", "http://env-ecr"},
                      {"AWS_ENDPOINT_URL", "http://env"}};
  EXPECT_EQ(host(both, "ecr"), "env-ecr");
  EXPECT_EQ(host(both, "sts"), "env");
  EXPECT_EQ(host({}, "ecr"), "profile-ecr");
  EXPECT_EQ(host({}, "sts"), "profile");
  both["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] = "True";
  EXPECT_EQ(host(both, "ecr"), "");
  EXPECT_FALSE(*configured_endpoint("ecr", {}, nullptr));
  EXPECT_THAT(configured_endpoint("ecr", {{"AWS_ENDPOINT_URL", "x"}}, nullptr).error().text,
              HasSubstr("AWS_ENDPOINT_URL: \"x\""));
}

TEST(Region, SaysTheSuffix) {
  EXPECT_EQ(dns_suffix("eu-west-1"), "amazonaws.com");
  EXPECT_EQ(dns_suffix("cn-north-1"), "amazonaws.com.cn");
  EXPECT_EQ(dns_suffix("us-gov-west-1"), "amazonaws.com");
  EXPECT_EQ(dns_suffix("us-isob-east-1"), "sc2s.sgov.gov");
  EXPECT_EQ(partition_of("eu-west-1"), "aws");
  EXPECT_EQ(partition_of("cn-north-1"), "aws-cn");
  EXPECT_EQ(partition_of("us-gov-west-1"), "aws-us-gov");
  EXPECT_EQ(partition_of("us-iso-east-1"), "aws-iso");
  EXPECT_EQ(partition_of("us-isob-east-1"), "aws-iso-b");
  EXPECT_TRUE(is_region("eu-west-1"));
  for (const char* text : {"", "eu_west", "eu.west", "EU", "a/b"}) EXPECT_FALSE(is_region(text));
}

// What AWS's tools allow, and what would hand our place in the network to anybody.
TEST(ContainerEndpoint, IsOnTheHostOrHttps) {
  for (const char* url :
       {"https://anybody.example/x", "http://localhost/x", "http://127.0.0.1:8/x?y=z",
        "http://127.9.9.9", "http://[::1]:80/", "http://169.254.170.2/v2/x",
        "http://169.254.170.23/", "http://[fd00:ec2::23]/v1/credentials"}) {
    EXPECT_TRUE(check_container_endpoint(url)) << url;
  }
  for (const char* url : {"http://example.com", "http://127.0.0.1.example.com", "http://10.0.0.1",
                          "http://169.254.170.3", "http://127.0.0.256", "ftp://localhost", "/v2/x",
                          "http://localhost/a b"}) {
    EXPECT_FALSE(check_container_endpoint(url)) << url;
  }
}

TEST(MetadataEndpoint, IsWhatIsConfigured) {
  EXPECT_EQ(*metadata_endpoint({}, nullptr), "http://169.254.169.254");
  EXPECT_EQ(*metadata_endpoint({{"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv6"}}, nullptr),
            "http://[fd00:ec2::254]");
  EXPECT_EQ(*metadata_endpoint({{"AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://h/"}}, nullptr),
            "http://h");
  EXPECT_EQ(*metadata_endpoint({{"AWS_EC2_METADATA_DISABLED", "TRUE"}}, nullptr), "");
  Profile profile{"p", {{"ec2_metadata_service_endpoint", "http://p"}}, {}};
  EXPECT_EQ(*metadata_endpoint({}, &profile), "http://p");
  EXPECT_FALSE(metadata_endpoint({{"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "x"}}, nullptr));
}

}  // namespace
}  // namespace berth::aws
