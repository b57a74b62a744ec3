#include "image/reference.h"

#include <gtest/gtest.h>

namespace berth::image {
namespace {

const std::string kDigest = "sha256:" + std::string(64, 'a');

TEST(Reference, IsNormalisedAsDockerDoes) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"busybox", "docker.io/library/busybox:latest"},
      {"busybox:1.36", "docker.io/library/busybox:1.36"},
      {"grafana/grafana", "docker.io/grafana/grafana:latest"},
      {"index.docker.io/library/busybox", "docker.io/library/busybox:latest"},
      {"localhost/app", "localhost/app:latest"},
      {"127.0.0.1:5000/app:1", "127.0.0.1:5000/app:1"},
      {"[::1]:5000/app", "[::1]:5000/app:latest"},
      {"Registry/app", "Registry/app:latest"},
      {"public.ecr.aws/a/b__c/d-e.f:T_1.x", "public.ecr.aws/a/b__c/d-e.f:T_1.x"},
      {"busybox@" + kDigest, "docker.io/library/busybox@" + kDigest},
      {"busybox:1@" + kDigest, "docker.io/library/busybox:1@" + kDigest},
      {"oci:/srv/layout", "oci:/srv/layout"},
      {"oci:/srv/layout:v1", "oci:/srv/layout:v1"},
      {"oci-archive:a.tar:v1", "oci-archive:a.tar:v1"},
      {"docker-archive:/a.tar:busybox:1", "docker-archive:/a.tar:busybox:1"},
  };
  for (const auto& [text, canonical] : cases) {
    auto reference = Reference::parse(text);
    ASSERT_TRUE(reference) << text << ": " << reference.error().text;
    EXPECT_EQ(reference->to_string(), canonical);
    EXPECT_EQ(Reference::parse(canonical).value(), *reference) << canonical;
  }
}

TEST(Reference, RefusesWhatIsNone) {
  for (const std::string& text :
       {std::string(""), std::string("Busybox"), std::string("busybox:"), std::string("a//b"),
        std::string("-a"), std::string("a:b:c"), std::string("a@sha256:12"), std::string("a b"),
        std::string("host:99999/a"), std::string("a..b"), std::string("a___b"), std::string("oci:"),
        std::string("a:" + std::string(129, 't')), std::string(256, 'a'), std::string(5000, 'a'),
        "a@sha256:" + std::string(64, 'A'), std::string("a/../b"), std::string("oci:dir:")}) {
    auto reference = Reference::parse(text);
    ASSERT_FALSE(reference) << text;
    EXPECT_EQ(reference.error().code, Errc::kInvalid);
  }
}

// Its canonical form, which names the tag, must be one again: it is what records are found by.
TEST(Reference, ARegistryIsNoLongerThanANameOfDnsAndAPort) {
  const std::string name = std::string(253, 'a') + ".b";
  EXPECT_TRUE(Reference::parse(name + ":5000/app"));
  EXPECT_FALSE(Reference::parse(name + "bb:5000/app"));
  EXPECT_FALSE(Reference::parse(std::string(4085, 'a') + ".b/app"));
}

TEST(Reference, SplitsAtTheRightColon) {
  auto reference = Reference::parse("oci:/a:b/c").value();
  EXPECT_EQ(reference.path, "/a:b/c");
  EXPECT_EQ(reference.tag, "");
}

}  // namespace
}  // namespace berth::image
