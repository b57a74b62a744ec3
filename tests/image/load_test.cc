#include "image/load.h"

#include "image/digest.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace berth {
namespace {

struct Named {
  std::string image_name;
  std::string ref_name;
};

// The names that they get, or the error.
std::string names_of(const std::vector<Named>& images, const std::string& given) {
  image::Index index;
  for (const Named& image : images) {
    image::Descriptor descriptor;
    descriptor.digest = image::digest_of(image.image_name + image.ref_name);
    descriptor.image_name = image.image_name;
    descriptor.ref_name = image.ref_name;
    index.manifests.push_back(descriptor);
  }
  auto entries = image::name_entries(index, given);
  if (!entries) return std::string("error: ") + name_of(entries.error().code);
  std::string names;
  for (const auto& entry : *entries) names += entry.reference.to_string() + " ";
  return names;
}

TEST(Load, WholeNamesAreTaken) {
  EXPECT_EQ(names_of({{"docker.io/library/app:1", "1"}}, ""), "docker.io/library/app:1 ");
  EXPECT_EQ(names_of({{"", "r.example/app:1"}}, ""), "r.example/app:1 ");
  EXPECT_EQ(names_of({{"", "app:1"}, {"", "app:2"}}, ""),
            "docker.io/library/app:1 docker.io/library/app:2 ");
}

TEST(Load, ATagAloneNeedsAName) {
  EXPECT_EQ(names_of({{"", "1"}}, ""), "error: invalid");
  EXPECT_EQ(names_of({{"", ""}}, ""), "error: invalid");
  EXPECT_EQ(names_of({{"", "1"}}, "r.example/app"), "r.example/app:1 ");
  EXPECT_EQ(names_of({{"", "1"}, {"", "2"}}, "r.example/app"), "r.example/app:1 r.example/app:2 ");
  EXPECT_EQ(names_of({{"", "1"}}, "r.example:5000/app:x"), "r.example:5000/app:x ");
  EXPECT_EQ(names_of({{"", ""}}, "app"), "docker.io/library/app:latest ");
}

TEST(Load, AGivenNameReplacesTheOnlyOne) {
  EXPECT_EQ(names_of({{"", "app:1"}}, "other:2"), "docker.io/library/other:2 ");
  EXPECT_EQ(names_of({{"", "app:1"}, {"", "2"}}, "other"),
            "docker.io/library/app:1 docker.io/library/other:2 ");
}

TEST(Load, NamesThatCannotBe) {
  EXPECT_EQ(names_of({{"", "1"}, {"", "2"}}, "app:x"), "error: invalid");  // one name for two
  EXPECT_EQ(names_of({{"", "UPPER:1"}}, ""), "error: invalid");
  EXPECT_EQ(names_of({{"", "oci:/etc"}}, ""), "error: invalid");
  EXPECT_EQ(names_of({{"", "1"}}, "oci:/etc"), "error: invalid");
  EXPECT_EQ(names_of({}, "app"), "error: invalid");
}

}  // namespace
}  // namespace berth
