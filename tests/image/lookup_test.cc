#include "image/lookup.h"

#include "image/digest.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace berth {
namespace {

const std::string kIndex = image::digest_of("index");
const std::string kManifest = image::digest_of("manifest");
const std::string kOther = image::digest_of("other");
const std::string kConfig = image::digest_of("config");

std::vector<image::ImageRecord> some_records() {
  std::vector<image::ImageRecord> records(4);
  records[0].reference = "docker.io/library/app:1";
  records[1].reference = "docker.io/library/app:2";
  records[2].reference = "r.example/team/app:1";
  records[3].reference = "oci:/layouts/app";
  for (auto& record : records) {
    record.resolved_digest = kIndex;
    record.manifest_digest = kManifest;
    record.config_digest = kConfig;
  }
  records[1].resolved_digest = records[1].manifest_digest = kOther;
  return records;
}

std::vector<std::string> names(std::string_view wanted) {
  auto found = image::find_records(some_records(), wanted);
  if (!found) return {std::string("error: ") + name_of(found.error().code)};
  std::vector<std::string> names;
  for (const auto& record : *found) names.push_back(record.reference);
  return names;
}

using Names = std::vector<std::string>;

TEST(Lookup, ByName) {
  EXPECT_EQ(names("app:1"), (Names{"docker.io/library/app:1"}));
  EXPECT_EQ(names("oci:/layouts/app"), (Names{"oci:/layouts/app"}));
  EXPECT_EQ(names("app"), (Names{"error: not found"}));  // that is app:latest
  EXPECT_EQ(names("APP"), (Names{"error: invalid"}));
}

TEST(Lookup, ADigestMeansAllItsNames) {
  Names all = {"docker.io/library/app:1", "r.example/team/app:1", "oci:/layouts/app"};
  EXPECT_EQ(names(kIndex), all);
  EXPECT_EQ(names(kManifest), all);
  EXPECT_EQ(names(kOther), (Names{"docker.io/library/app:2"}));
  EXPECT_EQ(names(kConfig).size(), 4u);
  EXPECT_EQ(names(image::digest_of("nobody's")), (Names{"error: not found"}));
}

TEST(Lookup, ANameWithADigestIsOfThatRepositoryOnly) {
  EXPECT_EQ(names("app@" + kIndex), (Names{"docker.io/library/app:1"}));
  EXPECT_EQ(names("app:1@" + kManifest), (Names{"docker.io/library/app:1"}));
  EXPECT_EQ(names("app:2@" + kManifest), (Names{"error: not found"}));
  EXPECT_EQ(names("r.example/team/app@" + kOther), (Names{"error: not found"}));
}

}  // namespace
}  // namespace berth
