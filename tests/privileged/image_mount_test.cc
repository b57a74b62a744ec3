#include "sys/image_mount.h"

#include "support/layer_image.h"
#include "sys/fork.h"
#include "sys/tree.h"

#include <gmock/gmock.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <optional>

namespace berth::sys {
namespace {

using testing::HasSubstr;

class ImageMount : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    directory_.emplace(TemporaryDirectory::make("/tmp", "berth-image-").value());
    ASSERT_TRUE(make_directories(path("tree/etc"), 0755));
    ASSERT_TRUE(write_replace(path("tree/etc/passwd"), "root:x:0:0::/root:/bin/sh\n", 0640));
    ASSERT_TRUE(chown(path("tree/etc/passwd"), 12, 34));
    ASSERT_TRUE(write_replace(path("tree/large"), std::string(3 << 20, 'x'), 0600));
    make_layer_image(path("tree"), path("one/fs.erofs"));
  }
  void TearDown() override {
    if (!directory_) return;
    EXPECT_TRUE(has_no_device());
  }

  std::string path(const std::string& name) const { return directory_->path() + "/" + name; }
  std::vector<std::string> devices() const { return loop_devices_beneath(directory_->path()); }
  // The kernel may take it back a moment after its last user's end.
  bool has_no_device() const {
    return comes_true([this] { return devices().empty(); });
  }
  Error error_of(const std::string& file) const {
    auto mounted = mount_image(file);
    return mounted ? Error{Errc::kInternal, 0, "mounted"} : mounted.error();
  }

  std::optional<TemporaryDirectory> directory_;
};

std::string text_at(const Fd& root, const std::string& name) {
  return read_file_at(root.get(), name, 4 << 20).value_or("unreadable");
}

dev_t device_of(const Fd& root) {
  return stat_fd(root.get()).value().st_dev;
}

TEST_F(ImageMount, ThisHostCan) {
  auto can = can_mount_images();
  EXPECT_TRUE(can) << can.error().text;
}

TEST_F(ImageMount, ShowsTheTreeToBeRead) {
  auto root = mount_image(path("one/fs.erofs"));
  ASSERT_TRUE(root) << root.error().text;
  EXPECT_EQ(text_at(*root, "etc/passwd"), "root:x:0:0::/root:/bin/sh\n");
  EXPECT_EQ(text_at(*root, "large"), std::string(3 << 20, 'x'));
  struct stat known = stat_at(root->get(), "etc/passwd").value().value();
  EXPECT_EQ(known.st_uid, 12u);
  EXPECT_EQ(known.st_gid, 34u);
  EXPECT_EQ(known.st_mode & 07777, 0640u);
  auto made = create_at(root->get(), "new", 0600);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().errno_value, EROFS);
  struct statvfs flags {};
  ASSERT_EQ(::fstatvfs(open_at(root->get(), ".", O_RDONLY)->get(), &flags), 0);
  EXPECT_EQ(flags.f_flag & (ST_NODEV | ST_NOSUID | ST_RDONLY), ST_NODEV | ST_NOSUID | ST_RDONLY);
}

TEST_F(ImageMount, MountsOfOneFileShareADeviceThatGoesWithTheLast) {
  auto one = mount_image(path("one/fs.erofs"));
  auto two = mount_image(path("one/fs.erofs"));
  ASSERT_TRUE(one && two);
  EXPECT_EQ(devices().size(), 1u);
  EXPECT_EQ(device_of(*one), device_of(*two)) << "one superblock, so one page cache";
  one->reset();
  EXPECT_EQ(devices().size(), 1u);
  EXPECT_EQ(text_at(*two, "etc/passwd"), "root:x:0:0::/root:/bin/sh\n");
  two->reset();
  EXPECT_TRUE(has_no_device());
}

TEST_F(ImageMount, OtherWaysToTheFileFindItsDevice) {
  ASSERT_TRUE(symlink(path("one/fs.erofs"), path("link")));
  Fd file = open(path("one/fs.erofs"), O_PATH).value();
  auto one = mount_image(path("one/fs.erofs"));
  auto two = mount_image(path("link"));
  auto three = mount_image(proc_path(file.get()));
  ASSERT_TRUE(one && two && three);
  EXPECT_EQ(devices().size(), 1u);
}

TEST_F(ImageMount, FilesOfOneNameHaveDevicesOfTheirOwn) {
  ASSERT_TRUE(write_replace(path("tree/etc/passwd"), "another\n", 0640));
  make_layer_image(path("tree"), path("more/one/fs.erofs"));
  auto one = mount_image(path("one/fs.erofs"));
  auto two = mount_image(path("more/one/fs.erofs"));
  ASSERT_TRUE(one && two);
  EXPECT_EQ(devices().size(), 2u);
  EXPECT_EQ(text_at(*one, "etc/passwd"), "root:x:0:0::/root:/bin/sh\n");
  EXPECT_EQ(text_at(*two, "etc/passwd"), "another\n");
}

TEST_F(ImageMount, AFileThatTookTheNameOfAMountedOneIsAnother) {
  auto old = mount_image(path("one/fs.erofs"));
  ASSERT_TRUE(old) << old.error().text;
  ASSERT_TRUE(write_replace(path("tree/etc/passwd"), "another\n", 0640));
  make_layer_image(path("tree"), path("new.erofs"));
  ASSERT_TRUE(rename(path("new.erofs"), path("one/fs.erofs")));
  auto now = mount_image(path("one/fs.erofs"));
  ASSERT_TRUE(now) << now.error().text;
  EXPECT_EQ(text_at(*now, "etc/passwd"), "another\n");
  EXPECT_EQ(text_at(*old, "etc/passwd"), "root:x:0:0::/root:/bin/sh\n");
}

TEST_F(ImageMount, WhatIsNoImageIsNamedAndLeavesNoDevice) {
  ASSERT_TRUE(write_replace(path("text"), std::string(1 << 20, 'x'), 0600));
  ASSERT_TRUE(write_replace(path("empty"), "", 0600));
  std::string image = read_file(path("one/fs.erofs"), 16 << 20).value();
  ASSERT_TRUE(write_replace(path("cut"), image.substr(0, 1024), 0600));
  for (const char* name : {"text", "empty", "cut"}) {
    Error error = error_of(path(name));
    EXPECT_EQ(error.code, Errc::kInvalid) << error.text;
    EXPECT_THAT(error.text, HasSubstr("mount " + path(name) + ": not an EROFS")) << name;
    EXPECT_TRUE(has_no_device()) << name;
  }
  EXPECT_THAT(error_of(path("tree")).text, HasSubstr("not a regular file"));
  EXPECT_EQ(error_of(path("nowhere")).code, Errc::kNotFound);
}

TEST_F(ImageMount, OneThatIsKilledLeavesNoDevice) {
  for (int round = 0; round < 10; ++round) {
    Pipe told = make_pipe().value();
    auto child = fork_child({.name = "mounts", .kept = {told.write.get()}, .run = [&] {
                               for (;;) {
                                 if (!mount_image(path("one/fs.erofs"))) return 1;
                                 if (!write_all(told.write.get(), "x")) return 2;
                               }
                             }});
    ASSERT_TRUE(child) << child.error().text;
    told.write.reset();
    for (int seen = 0; seen <= round; ++seen) {  // each time it is somewhere else when it dies
      char byte = 0;
      ASSERT_EQ(read_some(told.read.get(), &byte, 1).value(), 1u);
    }
    ASSERT_TRUE(send_signal(*child, SIGKILL));
    ASSERT_EQ(wait(*child)->signal, SIGKILL);
    EXPECT_TRUE(has_no_device()) << round;
  }
}

// They may end with a device each, and never with an error or another's files.
TEST_F(ImageMount, ManyAtOnceAllSeeTheTree) {
  std::vector<Process> children;
  for (int i = 0; i < 8; ++i) {
    auto child = fork_child({.name = "mounts", .kept = {}, .run = [&] {
                               for (int round = 0; round < 20; ++round) {
                                 auto root = mount_image(path("one/fs.erofs"));
                                 if (!root) return 1;
                                 if (!text_at(*root, "etc/passwd").starts_with("root:")) return 2;
                               }
                               return 0;
                             }});
    ASSERT_TRUE(child) << child.error().text;
    children.push_back(std::move(*child));
  }
  for (const Process& child : children) EXPECT_EQ(wait(child)->shell_code(), 0);
}

TEST_F(ImageMount, TreesAreDirectoriesOrImages) {
  for (const char* name : {"tree", "one/fs.erofs"}) {
    auto root = open_tree_of(path(name));
    ASSERT_TRUE(root) << root.error().text;
    EXPECT_EQ(text_at(*root, "etc/passwd"), "root:x:0:0::/root:/bin/sh\n") << name;
    EXPECT_EQ(list_directory(proc_path(root->get())).value(),
              (std::vector<std::string>{"etc", "large"}));
    EXPECT_TRUE(open_in_root(root->get(), "/etc/../etc/passwd", O_RDONLY)) << name;
  }
  EXPECT_EQ(open_tree_of(path("nowhere")).error().code, Errc::kNotFound);
}

}  // namespace
}  // namespace berth::sys
