#include "image/attribute_rules.h"

#include <gtest/gtest.h>

#include <sys/stat.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace berth::image {
namespace {

std::string list(const std::vector<std::array<uint32_t, 3>>& entries) {
  std::string bytes("\2\0\0\0", 4);
  for (const auto& [tag, permissions, id] : entries) {
    for (uint32_t each : {tag | permissions << 16, id}) {
      bytes.append(reinterpret_cast<const char*>(&each), sizeof each);
    }
  }
  return bytes;
}

constexpr uint32_t kNobody = UINT32_MAX;
const std::string kShort = list({{1, 6, kNobody}, {4, 4, kNobody}, {32, 0, kNobody}});
const std::string kNamed = list({{1, 6, kNobody},
                                 {2, 6, 9},
                                 {2, 4, 10},
                                 {4, 4, kNobody},
                                 {8, 4, 7},
                                 {16, 6, kNobody},
                                 {32, 4, kNobody}});

TEST(AttributeRules, WhatAnImageMayHave) {
  EXPECT_EQ(fate_of_attribute(S_IFREG, "user.a", "").value(), AttributeFate::kTaken);
  EXPECT_EQ(fate_of_attribute(S_IFDIR, "user.a", "b").value(), AttributeFate::kTaken);
  EXPECT_EQ(fate_of_attribute(S_IFREG, "security.selinux", "x").value(), AttributeFate::kDropped);
  EXPECT_EQ(fate_of_attribute(S_IFDIR, "trusted.other", "x").value(), AttributeFate::kDropped);
  EXPECT_EQ(fate_of_attribute(S_IFDIR, "user.overlay.opaque", "y").value(),
            AttributeFate::kDropped);
  EXPECT_EQ(fate_of_attribute(S_IFLNK, "user.a", "b").value(), AttributeFate::kNoPlace);
  EXPECT_EQ(fate_of_attribute(S_IFCHR, "user.a", "b").value(), AttributeFate::kNoPlace);
  EXPECT_FALSE(fate_of_attribute(S_IFDIR, "trusted.overlay.opaque", "y"));
  EXPECT_FALSE(fate_of_attribute(S_IFREG, "user.", "y"));
}

TEST(AttributeRules, AccessLists) {
  for (const std::string& good : {kShort, kNamed}) {
    EXPECT_EQ(fate_of_attribute(S_IFREG, "system.posix_acl_access", good).value(),
              AttributeFate::kTaken);
    EXPECT_EQ(fate_of_attribute(S_IFDIR, "system.posix_acl_default", good).value(),
              AttributeFate::kTaken);
    EXPECT_EQ(fate_of_attribute(S_IFLNK, "system.posix_acl_access", good).value(),
              AttributeFate::kNoPlace);
    EXPECT_FALSE(fate_of_attribute(S_IFREG, "system.posix_acl_default", good));
    EXPECT_FALSE(fate_of_attribute(S_IFDIR, "system.posix_acl_access", good + "x"));
  }
  const std::vector<std::vector<std::array<uint32_t, 3>>> bad = {
      {{1, 6, kNobody}},
      {{1, 6, kNobody}, {4, 4, kNobody}},
      {{4, 4, kNobody}, {1, 6, kNobody}, {32, 0, kNobody}},
      {{1, 6, kNobody}, {32, 0, kNobody}},
      {{1, 8, kNobody}, {4, 4, kNobody}, {32, 0, kNobody}},
      {{1, 6, kNobody}, {1, 6, kNobody}, {4, 4, kNobody}, {32, 0, kNobody}},
      {{1, 6, kNobody}, {4, 4, kNobody}, {32, 0, kNobody}, {32, 0, kNobody}},
      {{1, 6, kNobody}, {2, 6, 9}, {4, 4, kNobody}, {32, 0, kNobody}},  // no mask
      {{1, 6, kNobody}, {2, 6, kNobody}, {4, 4, kNobody}, {16, 6, kNobody}, {32, 0, kNobody}},
      {{1, 6, kNobody}, {4, 4, kNobody}, {64, 0, kNobody}},
  };
  for (const auto& entries : bad) {
    EXPECT_FALSE(fate_of_attribute(S_IFREG, "system.posix_acl_access", list(entries)));
  }
  EXPECT_FALSE(fate_of_attribute(S_IFREG, "system.posix_acl_access", ""));
  for (const std::string& nothing : {list({}), "\3" + kShort.substr(1)}) {
    EXPECT_EQ(fate_of_attribute(S_IFREG, "system.posix_acl_access", nothing).value(),
              AttributeFate::kNoPlace);
  }
}

TEST(AttributeRules, Capabilities) {
  std::string two = std::string("\1\0\0\2", 4) + std::string(16, '\1');
  std::string three = std::string("\0\0\0\3", 4) + std::string(16, '\1') + std::string(4, '\0');
  for (const std::string& good : {two, three}) {
    EXPECT_EQ(fate_of_attribute(S_IFREG, "security.capability", good).value(),
              AttributeFate::kTaken);
  }
  std::string nobodys = three.substr(0, 20) + std::string(4, '\xff');
  for (const std::string& bad : {std::string(), std::string("x"), two.substr(0, 12), two + "x",
                                 three.substr(0, 20), two + std::string(4, '\0'), nobodys}) {
    EXPECT_FALSE(fate_of_attribute(S_IFREG, "security.capability", bad));
  }
}

TEST(AttributeRules, NamesAreAsLongAsTheKernelTakesThem) {
  EXPECT_TRUE(fate_of_attribute(S_IFREG, "user." + std::string(250, 'a'), ""));
  EXPECT_FALSE(fate_of_attribute(S_IFREG, "user." + std::string(251, 'a'), ""));
}

}  // namespace
}  // namespace berth::image
