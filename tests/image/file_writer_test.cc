#include "image/file_writer.h"

#include "sys/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <map>
#include <memory>
#include <optional>
#include <string>

namespace berth::image {
namespace {

using testing::HasSubstr;

class FileWriterTest : public testing::Test {
 protected:
  void SetUp() override {
    directory_.emplace(
        sys::TemporaryDirectory::make(testing::TempDir(), "berth-file-writer-").value());
    opened_ = std::make_shared<const DiskDirectory>(
        sys::open(directory_->path(), O_RDONLY | O_DIRECTORY).value());
  }

  Medium::NewFile file(const std::string& name, int64_t size) const {
    Looks looks{{::geteuid(), ::getegid()}, 0640, {}, {{5, 0}, {6, 7}}};
    return {opened_, name, looks, size, name, name};
  }
  Status add(const std::string& name, const std::string& content) {
    files_.begin(file(name, static_cast<int64_t>(content.size())));
    files_.add_content(content, 0);
    return files_.commit();
  }
  std::string path(const std::string& name) const { return directory_->path() + "/" + name; }
  std::string content(const std::string& name) const {
    return sys::read_file(path(name), 1 << 20).value_or("");
  }

  std::optional<sys::TemporaryDirectory> directory_;
  Medium::DirectoryRef opened_;
  FileWriter files_;
};

TEST_F(FileWriterTest, AllFilesAreThereOnceSettled) {
  constexpr size_t kCount = 10 * kBatchFilesMax + 3;
  for (size_t i = 0; i < kCount; ++i) ASSERT_TRUE(add(fmt::format("f{}", i), fmt::format("{}", i)));
  EXPECT_TRUE(files_.is_waiting(fmt::format("f{}", kCount - 1)));
  ASSERT_TRUE(files_.settle());
  for (size_t i = 0; i < kCount; ++i) {
    std::string name = fmt::format("f{}", i);
    EXPECT_FALSE(files_.is_waiting(name));
    EXPECT_EQ(content(name), fmt::format("{}", i));
    struct stat st = sys::stat(path(name)).value();
    EXPECT_EQ(st.st_mode & 07777, 0640u);
    EXPECT_EQ(st.st_mtim.tv_sec, 6);
    EXPECT_EQ(st.st_mtim.tv_nsec, 7);
  }
}

TEST_F(FileWriterTest, TheLastOfSeveralOfOneNameStays) {
  std::map<std::string, size_t> last;
  for (size_t i = 0; i < 5 * kBatchFilesMax; ++i) {
    std::string name = fmt::format("f{}", i * i % 97);
    ASSERT_TRUE(!files_.is_waiting(name) || files_.settle());
    ASSERT_TRUE(add(name, fmt::format("{}", i)));
    last[name] = i;
  }
  ASSERT_TRUE(files_.settle());
  for (const auto& [name, i] : last) EXPECT_EQ(content(name), fmt::format("{}", i));
}

TEST_F(FileWriterTest, ABatchIsFullWithItsContent) {
  std::string large(kSmallFileMax, 'x');
  for (char name = 'a'; name < 'z'; ++name) ASSERT_TRUE(add(std::string(1, name), large));
  ASSERT_TRUE(files_.settle());
  for (char name = 'a'; name < 'z'; ++name) EXPECT_TRUE(content(std::string(1, name)) == large);
}

TEST_F(FileWriterTest, HolesStayHoles) {
  files_.begin(file("sparse", 65536));
  files_.add_content("begin", 0);
  files_.add_content("ning", 5);
  files_.add_content("middle", 32768);
  ASSERT_TRUE(files_.commit());
  ASSERT_TRUE(files_.settle());
  std::string wanted(65536, '\0');
  wanted.replace(0, 9, "beginning").replace(32768, 6, "middle");
  EXPECT_TRUE(content("sparse") == wanted);
}

// Whoever makes it, the helper or the one who adds: the failure of the first is told, by its name.
TEST_F(FileWriterTest, TheFirstFailureIsTold) {
  for (size_t first : {size_t{0}, kBatchFilesMax, 4 * kBatchFilesMax, 8 * kBatchFilesMax - 1}) {
    FileWriter files;
    Status last;
    for (size_t i = 0; i < 8 * kBatchFilesMax && last; ++i) {
      bool is_bad = i >= first && i % 3 == first % 3;
      std::string name = is_bad ? std::string(300, 'n') : fmt::format("f{}", i);
      Medium::NewFile each = file(name, 0);
      each.entry = fmt::format("e{}", i);
      files.begin(std::move(each));
      last = files.commit();
    }
    auto settled = files.settle();
    ASSERT_FALSE(settled);
    EXPECT_THAT(settled.error().text, HasSubstr(fmt::format("entry \"e{}\": openat", first)));
  }
}

TEST_F(FileWriterTest, ADirectoryIsNotReplaced) {
  ASSERT_TRUE(sys::make_directories(path("d/below"), 0755));
  ASSERT_TRUE(add("d", "x"));
  EXPECT_FALSE(files_.settle());
  EXPECT_TRUE(sys::exists(path("d/below")));
}

TEST_F(FileWriterTest, WhatNobodySettlesIsNoError) {
  for (size_t i = 0; i < 3 * kBatchFilesMax + 1; ++i) ASSERT_TRUE(add(fmt::format("f{}", i), "x"));
}

}  // namespace
}  // namespace berth::image
