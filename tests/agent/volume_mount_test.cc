#include "agent/volume_mount.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace berth::agent {
namespace {

const std::optional<IdRange> kOwnIds = IdRange{.first = 200000, .size = 65536};

Result<MountedVolume> tmpfs_with(const std::string& o, const std::optional<IdRange>& ids) {
  return mounted_volume("cache", {{"type", "tmpfs"}, {"device", "tmpfs"}, {"o", o}}, ids);
}

bool has(const MountedVolume& volume, const std::string& option) {
  return std::ranges::count(volume.plan.options, option) == 1;
}

TEST(MountedVolume, TmpfsBelongsToTheRootOfTheTask) {
  auto volume = tmpfs_with("size=1m", kOwnIds);
  ASSERT_TRUE(volume) << volume.error().text;
  EXPECT_FALSE(volume->id_mapped);
  EXPECT_TRUE(has(*volume, "uid=200000") && has(*volume, "gid=200000"));
  EXPECT_TRUE(has(*volume, "size=1m"));
}

TEST(MountedVolume, IdsOfTmpfsAreThoseInside) {
  auto volume = tmpfs_with("uid=1000,gid=65535", kOwnIds);
  ASSERT_TRUE(volume) << volume.error().text;
  EXPECT_TRUE(has(*volume, "uid=201000") && has(*volume, "gid=265535"));
  EXPECT_FALSE(has(*volume, "uid=1000"));
}

// The ids behind those of a task are another task's.
TEST(MountedVolume, IdsThatTheTaskDoesNotHaveAreRefused) {
  for (const char* id : {"uid=65536", "gid=4294967295", "uid=nobody", "gid="}) {
    auto volume = tmpfs_with(id, kOwnIds);
    ASSERT_FALSE(volume) << id;
    EXPECT_EQ(volume.error().text,
              std::string("error while mounting volume 'cache': failed to mount local volume: o: "
                          "\"") +
                  id + "\": the ids of a task are 0 to 65535");
  }
}

TEST(MountedVolume, IdsOfTheHostStayAsTheyAre) {
  auto volume = tmpfs_with("uid=70000", std::nullopt);
  ASSERT_TRUE(volume) << volume.error().text;
  EXPECT_TRUE(has(*volume, "uid=70000"));
}

TEST(MountedVolume, ABindHasAnAbsoluteDevice) {
  EXPECT_TRUE(mounted_volume("v", {{"type", "none"}, {"o", "bind"}, {"device", "/srv"}}, kOwnIds));
  EXPECT_FALSE(mounted_volume("v", {{"type", "none"}, {"o", "bind"}, {"device", "srv"}}, kOwnIds));
}

TEST(MountedVolume, NfsNeedsTheIdsOfTheHost) {
  const scheduler::DriverOpts nfs = {
      {"type", "nfs"}, {"device", ":/srv"}, {"o", "addr=127.0.0.1,ro"}};
  auto refused = mounted_volume("v", nfs, kOwnIds);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kUnsupported);
  auto volume = mounted_volume("v", nfs, std::nullopt);
  ASSERT_TRUE(volume) << volume.error().text;
  EXPECT_TRUE(volume->read_only && has(*volume, "addr=127.0.0.1"));
}

}  // namespace
}  // namespace berth::agent
