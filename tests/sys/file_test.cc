#include "sys/file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <optional>
#include <thread>

namespace berth {
namespace {

sys::TemporaryDirectory scratch() {
  auto directory = sys::TemporaryDirectory::make(testing::TempDir(), "berth-file-");
  EXPECT_TRUE(directory.has_value());
  return std::move(*directory);
}

TEST(File, WriteAtomicReplacesWholeAndLeavesNoTemporary) {
  auto directory = scratch();
  std::string path = directory.path() + "/record";
  ASSERT_TRUE(sys::write_atomic(path, "one", 0600).has_value());
  ASSERT_TRUE(sys::write_atomic(path, "two", 0600).has_value());
  EXPECT_EQ(sys::read_file(path, 100).value(), "two");
  EXPECT_EQ(sys::list_directory(directory.path()).value(), std::vector<std::string>{"record"});
}

TEST(File, RewriteAtomicLeavesAFileToItsOwner) {
  if (::geteuid() != 0) GTEST_SKIP() << "root alone gives files away";
  auto directory = scratch();
  std::string path = directory.path() + "/token";
  ASSERT_TRUE(sys::rewrite_atomic(path, "one", 0600)) << "there is none yet";
  ASSERT_TRUE(sys::chown(path, 1234, 5678));
  // What somebody put in our way is not what is given away.
  std::string others = directory.path() + "/root's";
  ASSERT_TRUE(sys::write_atomic(others, "secret", 0600));
  ASSERT_TRUE(sys::hard_link(others, fmt::format("{}.{}.tmp", path, ::getpid())));
  ASSERT_TRUE(sys::rewrite_atomic(path, "two", 0600));
  EXPECT_EQ(sys::read_file(path, 100).value(), "two");
  EXPECT_EQ(sys::stat(path)->st_uid, 1234u);
  EXPECT_EQ(sys::stat(path)->st_gid, 5678u);
  EXPECT_EQ(sys::stat(others)->st_uid, 0u);
  EXPECT_EQ(sys::read_file(others, 100).value(), "secret");
  EXPECT_EQ(sys::list_directory(directory.path()).value(),
            (std::vector<std::string>{"root's", "token"}));
}

TEST(File, ReadStopsAtItsLimit) {
  auto directory = scratch();
  std::string path = directory.path() + "/f";
  ASSERT_TRUE(sys::write_atomic(path, std::string(100, 'x'), 0600).has_value());
  EXPECT_TRUE(sys::read_file(path, 100).has_value());
  EXPECT_EQ(sys::read_file(path, 99).error().code, Errc::kExhausted);
}

TEST(File, OpenInRootNeverLeavesTheRoot) {
  auto directory = scratch();
  ASSERT_TRUE(sys::make_directories(directory.path() + "/root/etc", 0755).has_value());
  ASSERT_TRUE(sys::write_atomic(directory.path() + "/secret", "outside", 0600).has_value());
  ASSERT_TRUE(sys::write_atomic(directory.path() + "/root/etc/secret", "inside", 0600).has_value());
  ASSERT_TRUE(
      sys::symlink("../../../../../../etc/secret", directory.path() + "/root/up").has_value());
  ASSERT_TRUE(sys::symlink("/etc/secret", directory.path() + "/root/absolute").has_value());
  auto root = sys::open(directory.path() + "/root", O_PATH | O_DIRECTORY);
  for (const char* path : {"up", "absolute", "/etc/secret", "../../etc/secret"}) {
    auto fd = sys::open_in_root(root->get(), path, O_RDONLY);
    ASSERT_TRUE(fd.has_value()) << path << ": " << fd.error().text;
    EXPECT_EQ(sys::read_all(fd->get(), 100).value(), "inside") << path;
  }
  EXPECT_FALSE(sys::open_beneath(root->get(), "up", O_RDONLY, 0).has_value());
  EXPECT_FALSE(sys::open_beneath(root->get(), "../secret", O_RDONLY, 0).has_value());
}

TEST(File, RemoveTreeDoesNotFollowSymlinks) {
  auto directory = scratch();
  ASSERT_TRUE(sys::make_directories(directory.path() + "/tree/a/b", 0755).has_value());
  ASSERT_TRUE(sys::make_directory(directory.path() + "/kept", 0755).has_value());
  ASSERT_TRUE(sys::write_atomic(directory.path() + "/kept/f", "x", 0600).has_value());
  ASSERT_TRUE(sys::symlink("../../kept", directory.path() + "/tree/a/link").has_value());
  ASSERT_TRUE(sys::remove_tree(directory.path() + "/tree").has_value());
  EXPECT_FALSE(sys::exists(directory.path() + "/tree"));
  EXPECT_TRUE(sys::exists(directory.path() + "/kept/f"));
  EXPECT_TRUE(sys::remove_tree(directory.path() + "/tree").has_value());  // twice is once
}

TEST(File, ALockHasOneHolder) {
  auto directory = scratch();
  std::string path = directory.path() + "/lock";
  {
    auto held = sys::FileLock::acquire(path);
    ASSERT_TRUE(held.has_value());
    EXPECT_EQ(sys::FileLock::try_acquire(path).error().code, Errc::kUnavailable);
  }
  EXPECT_TRUE(sys::FileLock::try_acquire(path).has_value());
}

TEST(File, ALockOfARemovedFileIsTakenAnew) {
  auto directory = scratch();
  std::string path = directory.path() + "/lock";
  std::optional<sys::FileLock> first = sys::FileLock::acquire(path).value();
  // Waits on the file that its owner is about to remove.
  std::thread waiter([&] {
    auto second = sys::FileLock::acquire(path);
    ASSERT_TRUE(second);
    EXPECT_TRUE(sys::exists(path)) << "what it holds, others can find";
    EXPECT_EQ(sys::FileLock::try_acquire(path).error().code, Errc::kUnavailable);
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  ASSERT_TRUE(sys::remove_file(path));
  first.reset();
  waiter.join();
}

}  // namespace
}  // namespace berth
