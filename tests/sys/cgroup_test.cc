#include "sys/cgroup.h"

#include "sys/file.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace berth::sys {
namespace {

std::vector<std::pair<std::string, std::string>> places_of(const Cgroups& host) {
  std::vector<std::pair<std::string, std::string>> places;
  for (const Cgroups::Controller& controller : host.controllers()) {
    places.emplace_back(controller.name, controller.mount);
  }
  std::sort(places.begin(), places.end());
  return places;
}

TEST(Cgroups, AreFoundWhereMountinfoHasThem) {
  auto host = Cgroups::detect();
  auto mounted = Cgroups::parse(*read_file("/proc/self/mountinfo", 1 << 20));
  ASSERT_EQ(host.has_value(), mounted.has_value());
  if (!host) GTEST_SKIP() << host.error().text;
  EXPECT_EQ(host->is_unified(), mounted->is_unified());
  EXPECT_EQ(host->unified_mount(), mounted->unified_mount());
  EXPECT_EQ(places_of(*host), places_of(*mounted));
}

TEST(Cgroups, AreLookedForElsewhereWhenOneIsNotInItsUsualPlace) {
  auto directory = TemporaryDirectory::make("/tmp", "berth-cgroup-");
  ASSERT_TRUE(directory);
  // A directory that is no hierarchy.
  ASSERT_TRUE(make_directory(directory->path() + "/memory", 0755));
  EXPECT_FALSE(Cgroups::in_usual_places("3:memory:/\n0::/\n", directory->path()));
  EXPECT_FALSE(Cgroups::in_usual_places("0::/\n", directory->path()));
  EXPECT_FALSE(Cgroups::in_usual_places("", directory->path()));
  EXPECT_FALSE(Cgroups::in_usual_places("4:name=systemd:/\n", directory->path()));
}

}  // namespace
}  // namespace berth::sys
