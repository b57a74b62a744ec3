#include "sys/mount.h"

#include "sys/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

namespace berth::sys {
namespace {

constexpr int kLayers = 60;  // by name more than fsconfig(2) takes in one option

class OverlayMount : public ::testing::Test {
 protected:
  OverlayMount() {
    for (int i = 0; i < kLayers; ++i) {
      std::string layer = fmt::format("{}/a-layer-with-a-long-name-{}", directory_, i);
      std::filesystem::create_directories(layer);
      EXPECT_TRUE(write_atomic(fmt::format("{}/{}", layer, i), "", 0644));
      EXPECT_TRUE(write_atomic(layer + "/who", fmt::format("{}", i), 0644));
      overlay_.lower.push_back(layer);
    }
    for (const char* name : {"upper", "work", "target"}) {
      std::filesystem::create_directories(directory_ + "/" + name);
    }
  }
  ~OverlayMount() override { std::filesystem::remove_all(directory_); }

  static std::string make_directory() {
    std::string path = "/tmp/berth-overlay-XXXXXX";
    return ::mkdtemp(path.data());
  }

  std::string directory_ = make_directory();
  std::string target_ = directory_ + "/target";
  Overlay overlay_;
};

TEST_F(OverlayMount, ShowsManyLayersTheUppermostFirst) {
  overlay_.upper = directory_ + "/upper";
  overlay_.work = directory_ + "/work";
  auto mount = make_overlay(overlay_);
  ASSERT_TRUE(mount) << mount.error().text;
  ASSERT_TRUE(attach_mount(mount->get(), target_));
  MountGuard guard(target_);
  EXPECT_TRUE(exists(fmt::format("{}/{}", target_, kLayers - 1)));
  EXPECT_EQ(read_file(target_ + "/who", 16).value(), "0");
  EXPECT_TRUE(write_atomic(target_ + "/new", "x", 0644));
  EXPECT_TRUE(exists(overlay_.upper + "/new"));
  EXPECT_FALSE(is_mount_point(overlay_.work).value()) << "mounted there for a moment only";
}

TEST_F(OverlayMount, WithoutUpperIsReadOnly) {
  auto mount = make_overlay(overlay_);
  ASSERT_TRUE(mount) << mount.error().text;
  ASSERT_TRUE(attach_mount(mount->get(), target_));
  MountGuard guard(target_);
  EXPECT_EQ(read_file(target_ + "/who", 16).value(), "0");
  EXPECT_EQ(write_atomic(target_ + "/new", "x", 0644).error().errno_value, EROFS);
  EXPECT_FALSE(is_mount_point(overlay_.lower.front()).value());
}

}  // namespace
}  // namespace berth::sys
