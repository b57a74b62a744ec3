// Unpacking as root: every trap of image/unpack.h, with archives made by hand; and the store.
#include "image/digest.h"
#include "image/disk_medium.h"
#include "image/erofs_medium.h"
#include "image/file_writer.h"
#include "image/import.h"
#include "image/merged.h"
#include "image/puller.h"
#include "image/store.h"
#include "image/unpack.h"
#include "support/tar_writer.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/image_mount.h"
#include "sys/mount.h"
#include "sys/spawn.h"
#include "sys/tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace berth::image {
namespace {

using testing::HasSubstr;
using testing_support::TarEntry;
using testing_support::TarWriter;

class TextSource final : public ByteSource {
 public:
  explicit TextSource(std::string text) : text_(std::move(text)) {}
  Result<std::string_view> read() override {
    std::string_view piece = std::string_view(text_).substr(at_, 1000);
    at_ += piece.size();
    return piece;
  }

 private:
  std::string text_;
  size_t at_ = 0;
};

const auto kLayers = testing::Values(LayerFormat::kDirectory, LayerFormat::kImage);
std::string name_of_layers(const testing::TestParamInfo<LayerFormat>& each) {
  return each.param == LayerFormat::kImage ? "Image" : "Directory";
}

class UnpackTest : public testing::TestWithParam<LayerFormat> {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    scratch_.emplace(sys::TemporaryDirectory::make("/var/tmp", "berth-image-test-").value());
  }

  // Unpacks a layer on top of the ones before.
  Status layer(const std::string& tar) {
    std::string target = fmt::format("{}/{}", scratch_->path(), layers_.size());
    TRY(sys::make_directory(target, 0755));
    TextSource source(tar);
    std::vector<std::string> lower = layers_;
    UnpackOptions options{10'000, 0, scratch_->path(), [lower] { return MergedView::open(lower); }};
    if (GetParam() == LayerFormat::kDirectory) {
      auto medium = TRY(DiskMedium::open(target));
      highest_ = TRY(unpack(source, *medium, options));
    } else {
      auto medium = TRY(ErofsMedium::create(target + ".erofs"));
      highest_ = TRY(unpack(source, *medium, options));
      sys::Fd image = TRY(sys::mount_image(target + ".erofs"));
      TRY(sys::attach_mount(image.get(), target));
      mounts_.emplace_back(target);
    }
    layers_.push_back(target);
    return {};
  }
  // What is left of a layer that was refused.
  void discard() {
    std::string target = fmt::format("{}/{}", scratch_->path(), layers_.size());
    ASSERT_TRUE(sys::remove_tree(target));
    ASSERT_TRUE(sys::remove_file(target + ".erofs"));
  }
  Status layer(const std::vector<TarEntry>& entries) {
    TarWriter tar;
    for (const TarEntry& entry : entries) tar.add(entry);
    return layer(tar.finish());
  }

  std::string path(const std::string& name) { return layers_.back() + "/" + name; }
  struct stat lstat_of(const std::string& name) {
    struct stat st {};
    EXPECT_EQ(::lstat(path(name).c_str(), &st), 0) << name;
    return st;
  }
  bool exists(const std::string& name) { return sys::exists(path(name)); }
  std::string content(const std::string& name) {
    return sys::read_file(path(name), 1 << 20).value();
  }
  bool is_opaque(const std::string& name) {
    char value = 0;
    return ::lgetxattr(path(name).c_str(), kOpaqueAttribute, &value, 1) == 1 && value == 'y';
  }
  bool is_hidden(const std::string& name) { return exists(name) && is_whiteout(lstat_of(name)); }

  std::optional<sys::TemporaryDirectory> scratch_;
  HighestOwner highest_;
  std::vector<std::string> layers_;
  std::vector<sys::MountGuard> mounts_;
};

INSTANTIATE_TEST_SUITE_P(Layers, UnpackTest, kLayers, name_of_layers);

class ErofsTest : public testing::Test {
 protected:
  static Result<HighestOwner> unpacked(const std::vector<TarEntry>& entries, size_t held_max) {
    auto scratch = TRY(sys::TemporaryDirectory::make("/var/tmp", "berth-erofs-test-"));
    TarWriter tar;
    for (const TarEntry& entry : entries) tar.add(entry);
    TextSource source(tar.finish());
    auto medium = TRY(ErofsMedium::create(scratch.path() + "/image", held_max));
    return unpack(source, *medium, {10'000, 0, scratch.path(), nullptr});
  }
};

TEST_P(UnpackTest, KeepsTypeModeOwnerAndTimes) {
  auto done = layer({{.name = "./", .type = '5', .mode = 0710, .uid = 5, .gid = 6},
                     {.name = "d/", .type = '5', .mode = 01777, .mtime = 12345},
                     {.name = "d/s", .content = "x", .mode = 06755, .uid = 70000, .gid = 8},
                     {.name = "d/l", .type = '2', .link = "../../../etc/passwd", .mtime = 99},
                     {.name = "d/h", .type = '1', .link = "d/s"},
                     {.name = "d/n", .type = '3', .mode = 0600, .major = 1, .minor = 3},
                     {.name = "d/f", .type = '6', .mode = 0640}});
  ASSERT_TRUE(done) << done.error().text;
  EXPECT_EQ(lstat_of("").st_mode & 07777, 0710u);
  EXPECT_EQ(lstat_of("").st_uid, 5u);
  EXPECT_EQ(lstat_of("d").st_mtim.tv_sec, 12345);
  EXPECT_EQ(lstat_of("d").st_mode & 07777, 01777u);
  EXPECT_EQ(lstat_of("d/s").st_mode & 07777, 06755u);
  EXPECT_EQ(lstat_of("d/s").st_uid, 70000u);
  EXPECT_EQ(lstat_of("d/s").st_nlink, 2u);
  EXPECT_EQ(lstat_of("d/h").st_ino, lstat_of("d/s").st_ino);
  EXPECT_EQ(sys::read_link(path("d/l")).value(), "../../../etc/passwd");
  EXPECT_EQ(lstat_of("d/l").st_mtim.tv_sec, 99);
  EXPECT_TRUE(S_ISCHR(lstat_of("d/n").st_mode));
  EXPECT_TRUE(S_ISFIFO(lstat_of("d/f").st_mode));
}

TEST_P(UnpackTest, WhiteoutsDoNotDependOnTheOrder) {
  ASSERT_TRUE(layer({{.name = "gone"},
                     {.name = "kept"},
                     {.name = "d/", .type = '5'},
                     {.name = "d/x"},
                     {.name = "o/", .type = '5'},
                     {.name = "o/low"}}));
  auto done = layer({{.name = ".wh.gone"},
                     {.name = ".wh.never"},
                     {.name = ".wh.kept"},
                     {.name = "kept", .content = "new"},
                     {.name = "d/", .type = '5'},
                     {.name = ".wh.d"},
                     {.name = "o/new"},
                     {.name = "o/.wh..wh..opq"},
                     {.name = ".wh..wh.plnk"}});
  ASSERT_TRUE(done) << done.error().text;
  EXPECT_TRUE(is_hidden("gone"));
  EXPECT_FALSE(exists("never"));
  EXPECT_EQ(content("kept"), "new");
  EXPECT_TRUE(is_opaque("d"));
  EXPECT_TRUE(is_opaque("o"));
  EXPECT_TRUE(exists("o/new"));
  EXPECT_FALSE(exists(".wh.gone"));
  EXPECT_FALSE(exists(".wh..wh.plnk"));
}

// overlayfs lists a whiteout in a directory that it does not merge, and heeds no mark on a root.
TEST_P(UnpackTest, WhiteoutsAreMadeOnlyWhereOverlayfsHeedsThem) {
  ASSERT_TRUE(layer({{.name = "o/", .type = '5'},
                     {.name = "o/low"},
                     {.name = "o/sub/", .type = '5', .mode = 0700, .uid = 3},
                     {.name = "o/sub/low"},
                     {.name = "p/", .type = '5'},
                     {.name = "p/low"}}));
  ASSERT_TRUE(layer({{.name = "o/", .type = '5'},
                     {.name = "o/.wh.low"},
                     {.name = "o/sub/.wh.low"},
                     {.name = "o/sub/new"},
                     {.name = "o/.wh..wh..opq"},
                     {.name = "p/.wh.low"},
                     {.name = ".wh.p"}}));
  EXPECT_TRUE(is_opaque("o"));
  EXPECT_FALSE(exists("o/low"));
  EXPECT_FALSE(exists("o/sub/low"));
  EXPECT_EQ(lstat_of("o/sub").st_mode & 07777, 0755u);  // not the lower one
  EXPECT_EQ(lstat_of("o/sub").st_uid, 0u);
  EXPECT_TRUE(is_hidden("p"));
  ASSERT_TRUE(layer({{.name = "o/", .type = '5'}, {.name = ".wh..wh..opq"}, {.name = "new"}}));
  EXPECT_FALSE(is_opaque(""));
  EXPECT_TRUE(is_opaque("o"));
  EXPECT_FALSE(exists("p"));  // the layer between hides it
}

TEST_P(UnpackTest, LinksToHiddenFilesKeepTheContentOnly) {
  ASSERT_TRUE(layer({{.name = "d/", .type = '5'},
                     {.name = "d/a", .content = "A"},
                     {.name = "d/b", .content = "B"},
                     {.name = "e/", .type = '5'},
                     {.name = "e/c", .content = "C"}}));
  ASSERT_TRUE(layer({{.name = "a", .type = '1', .link = "d/a"},
                     {.name = "b", .type = '1', .link = "d/b"},
                     {.name = "c", .type = '1', .link = "e/c"},
                     {.name = "d/.wh.a"},
                     {.name = ".wh.e"}}));
  EXPECT_EQ(content("a") + content("b") + content("c"), "ABC");
  EXPECT_TRUE(is_hidden("d/a"));
  EXPECT_EQ(lstat_of("d/b").st_ino, lstat_of("b").st_ino);
  EXPECT_TRUE(is_hidden("e"));
  EXPECT_EQ(lstat_of("c").st_nlink, 1u);
}

TEST_P(UnpackTest, OpaqueDirectoriesHideWhatIsFarBeneathThem) {
  ASSERT_TRUE(
      layer({{.name = "o/", .type = '5'}, {.name = "o/s/", .type = '5'}, {.name = "o/s/low"}}));
  ASSERT_TRUE(layer({{.name = "o/.wh..wh..opq"}, {.name = "o/s/", .type = '5'}}));
  auto done = layer({{.name = "x", .type = '1', .link = "o/s/low"}});
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().text, HasSubstr("does not exist"));
}

TEST_P(UnpackTest, DotsAfterASymlinkAreWhereItLedTo) {
  ASSERT_TRUE(layer({{.name = "a/b/c/", .type = '5'},
                     {.name = "short", .type = '2', .link = "a/b/c"},
                     {.name = "dots", .type = '2', .link = "short/../side"},
                     {.name = "dots/x", .content = "X"}}));
  EXPECT_EQ(content("a/b/side/x"), "X");
  EXPECT_FALSE(exists("side"));
}

TEST_P(UnpackTest, FilesOfAufsAreOnlyLinkedTo) {
  ASSERT_TRUE(layer({{.name = ".wh..wh.plnk/", .type = '5'},
                     {.name = ".wh..wh.plnk/1.2", .content = "X"},
                     {.name = "x", .type = '1', .link = ".wh..wh.plnk/1.2"},
                     {.name = ".wh..wh.orph/y"}}));
  EXPECT_EQ(content("x"), "X");
  EXPECT_EQ(lstat_of("x").st_nlink, 1u);
  EXPECT_FALSE(exists(".wh..wh.plnk"));
  EXPECT_FALSE(exists(".wh..wh.orph"));
}

TEST_P(UnpackTest, NamesNeverLeaveTheRoot) {
  auto done = layer({{.name = "../../up", .content = "1"},
                     {.name = "/abs", .content = "2"},
                     {.name = "out", .type = '2', .link = "/"},
                     {.name = "out/in", .content = "3"},
                     {.name = "up2", .type = '2', .link = "../../.."},
                     {.name = "up2/in2", .content = "4"}});
  ASSERT_TRUE(done) << done.error().text;
  EXPECT_EQ(content("up"), "1");
  EXPECT_EQ(content("abs"), "2");
  EXPECT_EQ(content("in"), "3");
  EXPECT_EQ(content("in2"), "4");
}

TEST_P(UnpackTest, ParentsAreFoundInLowerLayers) {
  ASSERT_TRUE(layer({{.name = "usr/", .type = '5', .mode = 0700, .uid = 3},
                     {.name = "usr/lib/", .type = '5', .mode = 0711},
                     {.name = "lib", .type = '2', .link = "usr/lib"},
                     {.name = "usr/lib/a", .content = "A", .mode = 04755, .uid = 9}}));
  auto done =
      layer({{.name = "lib/x", .content = "X"}, {.name = "b", .type = '1', .link = "lib/a"}});
  ASSERT_TRUE(done) << done.error().text;
  EXPECT_FALSE(exists("lib"));
  EXPECT_EQ(content("usr/lib/x"), "X");
  EXPECT_EQ(lstat_of("usr").st_mode & 07777, 0700u);
  EXPECT_EQ(lstat_of("usr").st_uid, 3u);
  EXPECT_EQ(content("b"), "A");
  EXPECT_EQ(lstat_of("b").st_ino, lstat_of("usr/lib/a").st_ino);
  EXPECT_EQ(lstat_of("b").st_mode & 07777, 04755u);
}

// A directory that was made on the way to "d/x" looks as the lower one until its own entry comes.
TEST_P(UnpackTest, LateEntriesOfDirectoriesCountAlone) {
  ASSERT_TRUE(layer({{.name = "d/",
                      .type = '5',
                      .mode = 0700,
                      .uid = 3,
                      .pax = {{"SCHILY.xattr.user.a", "b"}}}}));
  ASSERT_TRUE(layer({{.name = "d/x"}}));
  char value = 0;
  EXPECT_EQ(::lgetxattr(path("d").c_str(), "user.a", &value, 1), 1);
  EXPECT_EQ(lstat_of("d").st_mode & 07777, 0700u);
  ASSERT_TRUE(layer({{.name = "d/x"}, {.name = "d/", .type = '5', .mode = 0750, .mtime = 77}}));
  EXPECT_EQ(::lgetxattr(path("d").c_str(), "user.a", &value, 1), -1);
  EXPECT_EQ(lstat_of("d").st_mode & 07777, 0750u);
  EXPECT_EQ(lstat_of("d").st_uid, 0u);
  EXPECT_EQ(lstat_of("d").st_mtim.tv_sec, 77);
}

// More than are kept open, so each is closed, and opened once more for what comes late.
TEST_P(UnpackTest, DirectoriesKeepTheirTimesWhateverComesIntoThem) {
  constexpr int kDirectories = 400;
  TarWriter tar;
  auto directory = [](int number) { return fmt::format("d/{}/", number); };
  tar.add({.name = "d/", .type = '5', .mtime = 7});
  for (int i = 0; i < kDirectories; ++i) {
    tar.add({.name = directory(i), .type = '5', .mtime = 1000 + i});
    tar.add({.name = directory(i) + "early"});
  }
  for (int i = 0; i < kDirectories; ++i) {
    tar.add(
        {.name = directory(i) + "late", .content = i % 2 == 0 ? "" : std::string(100'000, 'x')});
    if (i % 3 == 0) tar.add({.name = directory(i) + "early", .type = '2', .link = "late"});
  }
  auto done = layer(tar.finish());
  ASSERT_TRUE(done) << done.error().text;
  EXPECT_EQ(lstat_of("d").st_mtim.tv_sec, 7);
  for (int i = 0; i < kDirectories; ++i) {
    EXPECT_TRUE(exists(directory(i) + "late")) << i;
    EXPECT_EQ(lstat_of(directory(i)).st_mtim.tv_sec, 1000 + i);
  }
}

TEST_P(UnpackTest, LaterEntriesReplaceEarlierOnes) {
  ASSERT_TRUE(layer({{.name = "t/", .type = '5'}, {.name = "t/low"}}));
  auto done = layer({{.name = "t", .content = "file"},
                     {.name = "t/", .type = '5'},
                     {.name = "u/", .type = '5'},
                     {.name = "u/x"},
                     {.name = "u", .content = "file"},
                     {.name = "v", .content = "1"},
                     {.name = "v", .content = "2"}});
  ASSERT_TRUE(done) << done.error().text;
  EXPECT_TRUE(is_opaque("t"));
  EXPECT_EQ(content("u"), "file");
  EXPECT_EQ(content("v"), "2");
}

// So many files that they are made beside the reading of the archive.
std::vector<TarEntry> crowd(const std::string& directory) {
  std::vector<TarEntry> entries = {{.name = directory + "/", .type = '5'}};
  for (size_t i = 0; i < 4 * kBatchFilesMax; ++i) {
    entries.push_back({.name = fmt::format("{}/{}", directory, i), .content = "crowd"});
  }
  return entries;
}

// Whatever an entry does to a file that is being made beside, it comes after it.
TEST_P(UnpackTest, TheOrderOfTheArchiveCounts) {
  std::vector<TarEntry> entries = crowd("d");
  std::string last = fmt::format("d/{}", 4 * kBatchFilesMax - 1);
  for (const TarEntry& entry : std::initializer_list<TarEntry>{
           {.name = "d/1", .content = "again"},
           {.name = "d/1", .content = "once more", .mode = 04711, .uid = 7},
           {.name = "d/2", .type = '2', .link = "3"},
           {.name = "d/2/x", .content = "new"},  // d/3 is a file
       }) {
    entries.push_back(entry);
  }
  auto done = layer(entries);
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().text, HasSubstr("\"d/3\" is used as a directory but is none"));
  discard();
  entries.pop_back();
  for (const TarEntry& entry : std::initializer_list<TarEntry>{
           {.name = last + "x", .type = '1', .link = last},
           {.name = "d/4", .type = '5', .mode = 0700},
           {.name = "d/4/x", .content = "new"},
           {.name = "d/5", .type = '6'},
           {.name = "e", .type = '5'},
           {.name = "e/x", .content = "gone"},
           {.name = "e", .content = "file"},
           {.name = "e", .type = '2', .link = "d"},
           {.name = "e/6", .content = "through a link"},
           {.name = "d", .type = '5', .mode = 0710},
           {.name = "f/x", .type = '1', .link = "e/6"},
       }) {
    entries.push_back(entry);
  }
  done = layer(entries);
  ASSERT_TRUE(done) << done.error().text;
  EXPECT_EQ(content("d/0"), "crowd");
  EXPECT_EQ(content("d/1"), "once more");
  EXPECT_EQ(lstat_of("d/1").st_mode & 07777, 04711u);
  EXPECT_EQ(lstat_of("d/1").st_uid, 7u);
  EXPECT_EQ(sys::read_link(path("d/2")).value(), "3");
  EXPECT_EQ(lstat_of(last).st_ino, lstat_of(last + "x").st_ino);
  EXPECT_EQ(content("d/4/x"), "new");
  EXPECT_TRUE(S_ISFIFO(lstat_of("d/5").st_mode));
  EXPECT_EQ(sys::read_link(path("e")).value(), "d");
  EXPECT_EQ(content("d/6"), "through a link");
  EXPECT_EQ(lstat_of("d").st_mode & 07777, 0710u);
  EXPECT_EQ(lstat_of("f/x").st_ino, lstat_of("d/6").st_ino);
  EXPECT_EQ(sys::list_directory(path("d"))->size(), 4 * kBatchFilesMax + 1);
}

// Not the failure that was noticed first, nor by the name of the entry that was read then.
TEST_P(UnpackTest, TheFirstEntryThatFailsIsNamed) {
  std::vector<TarEntry> entries = crowd("d");
  std::string far_too_long(70'000, 'x');
  entries[70].pax = {{"SCHILY.xattr.user.a", far_too_long}};
  entries[75].pax = {{"SCHILY.xattr.user.b", far_too_long}};
  for (size_t size : {entries.size(), size_t{100}}) {
    entries.resize(size);
    entries.push_back({.name = "x", .type = '1', .link = "nowhere"});
    auto done = layer(entries);
    ASSERT_FALSE(done);
    EXPECT_THAT(done.error().text, HasSubstr("entry \"d/69\": "));
    EXPECT_THAT(done.error().text, HasSubstr("user.a"));
    discard();
  }
}

TEST_P(UnpackTest, NamesAreBytes) {
  std::string decomposed = "e\xcc\x81";  // normalising would make it one character
  ASSERT_TRUE(layer({{.name = "p", .pax = {{"path", decomposed}}},
                     {.name = "q", .pax = {{"path", "bad\xff\xfe"}}},
                     {.name = "raw\xe9"},
                     {.name = "A"},
                     {.name = "a"},
                     {.name = "l", .type = '2', .link = "x", .pax = {{"linkpath", "\xed\xa0\x80"}}},
                     {.name = "n", .pax = {{"path", std::string(255, 'n')}}}}));
  EXPECT_TRUE(exists(decomposed));
  EXPECT_TRUE(exists("bad\xff\xfe"));
  EXPECT_TRUE(exists("raw\xe9"));
  EXPECT_TRUE(exists("A"));
  EXPECT_TRUE(exists("a"));
  EXPECT_EQ(sys::read_link(path("l")).value(), "\xed\xa0\x80");
  EXPECT_TRUE(exists(std::string(255, 'n')));
}

TEST_P(UnpackTest, PaxTimesOwnersAndAttributes) {
  std::string caps(
      "\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", 20);
  auto done = layer({{.name = "f",
                      .content = "x",
                      .pax = {{"mtime", "-5.25"},
                              {"uid", "3000000"},
                              {"SCHILY.xattr.security.capability", caps},
                              {"SCHILY.xattr.user.a", "b"},
                              {"SCHILY.xattr.trusted.other", "not an image's"},
                              {"SCHILY.xattr.security.selinux", "nor this"}}}});
  ASSERT_TRUE(done) << done.error().text;
  EXPECT_EQ(lstat_of("f").st_uid, 3000000u);
  EXPECT_EQ(lstat_of("f").st_mtim.tv_sec, -6);
  EXPECT_EQ(lstat_of("f").st_mtim.tv_nsec, 750000000);
  std::string value(64, '\0');
  EXPECT_EQ(::lgetxattr(path("f").c_str(), "security.capability", value.data(), 64), 20);
  EXPECT_EQ(::lgetxattr(path("f").c_str(), "user.a", value.data(), 64), 1);
  EXPECT_EQ(::lgetxattr(path("f").c_str(), "trusted.other", value.data(), 64), -1);
  EXPECT_EQ(::lgetxattr(path("f").c_str(), "security.selinux", value.data(), 64), -1);
}

TEST_P(UnpackTest, HostileEntriesAreRefused) {
  const std::vector<std::pair<TarEntry, std::string>> cases = {
      {{.name = "x", .type = '1', .link = "nowhere"}, "does not exist"},
      {{.name = "x", .type = '1', .link = "../../../etc/passwd"}, "does not exist"},
      {{.name = "x", .type = '1', .link = "x"}, "does not exist"},
      {{.name = ".wh.x/y"}, "the name of a whiteout"},
      {{.name = "x", .type = '3'}, "forge a whiteout"},
      {{.name = "x", .pax = {{"SCHILY.xattr.trusted.overlay.opaque", "y"}}}, "trusted.overlay"},
      {{.name = ".wh."}, "no possible name"},
      {{.name = ".wh..."}, "no possible name"},
      {{.name = "x", .pax = {{"path", std::string(256, 'n')}}}, "longer than 255"},
      {{.name = "."}, "not a directory"},
      {{.name = "x", .content = std::string(5000, 'x'), .pax = {{"GNU.sparse.size", "10"}}},
       "more content than the 10 bytes"},
      {{.name = "x", .content = std::string(100'000, 'x'), .pax = {{"GNU.sparse.size", "99999"}}},
       "more content than the 99999 bytes"},
  };
  for (const auto& [entry, reason] : cases) {
    auto done = layer({entry});
    ASSERT_FALSE(done) << reason;
    EXPECT_THAT(done.error().text, HasSubstr(reason));
    discard();
  }
}

// What a lower file has as zeros costs nothing where it is copied for a link: a few hundred bytes
// could fill the disk.
TEST_P(UnpackTest, ZerosOfLowerFilesAreNotCopied) {
  std::string text = "begin" + std::string(4 << 20, '\0') + "end";
  ASSERT_TRUE(layer({{.name = "z", .content = text}}));
  auto done = layer({{.name = "h", .type = '1', .link = "z"}});
  ASSERT_TRUE(done) << done.error().text;
  EXPECT_EQ(lstat_of("h").st_size, static_cast<off_t>(text.size()));
  bool is_image = GetParam() == LayerFormat::kImage;
  auto st = sys::stat(is_image ? layers_.back() + ".erofs" : path("h")).value();
  EXPECT_LT(st.st_blocks * 512, 128 * 1024);
}

TEST_P(UnpackTest, DevicesThatLinuxCannotHaveAreRefused) {
  for (auto [major, minor] : {std::pair{0u, 0x100000u}, std::pair{0x1000u, 0u}}) {
    auto done = layer({{.name = "n", .type = '3', .major = major, .minor = minor}});
    ASSERT_FALSE(done);
    EXPECT_THAT(done.error().text,
                HasSubstr(fmt::format("device {}:{} is beyond what Linux has", major, minor)));
    discard();
  }
}

TEST_P(UnpackTest, NothingIsLinkedToWhatItReplaces) {
  EXPECT_FALSE(layer({{.name = "d/", .type = '5'},
                      {.name = "d/f", .content = "x"},
                      {.name = "d", .type = '1', .link = "d/f"}}));
}

// An image is written from what is in memory: an archive may not say how much that is.
TEST_F(ErofsTest, MemoryIsBounded) {
  std::vector<TarEntry> files = crowd("d");
  std::vector<TarEntry> attributes;
  for (int i = 0; i < 20; ++i) {
    attributes.push_back({.name = fmt::format("d{}/", i),
                          .type = '5',
                          .pax = {{"SCHILY.xattr.user.a", std::string(30'000, 'x')}}});
  }
  for (const auto& entries : {files, attributes}) {
    EXPECT_TRUE(unpacked(entries, kHeldMax));
    auto refused = unpacked(entries, 16 * 1024);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::kExhausted);
    EXPECT_THAT(refused.error().text, HasSubstr("take more than 16.0 KiB of memory"));
  }
  // Of directories that are closed hardly more than the names are held.
  std::vector<TarEntry> closed;
  for (int i = 0; i < 400; ++i) {
    for (int k = 0; k < 20; ++k) closed.push_back({.name = fmt::format("{}/{}", i, k)});
  }
  auto done = unpacked(closed, 1200 * 1024);
  EXPECT_TRUE(done) << done.error().text;
}

TEST_F(ErofsTest, TooManyAttributesAreRefused) {
  TarEntry entry{.name = "f"};
  for (const char* name : {"a", "b", "c", "d", "e"}) {
    entry.pax.emplace_back(fmt::format("SCHILY.xattr.user.{}", name), std::string(60'000, 'x'));
  }
  auto done = unpacked({entry}, kHeldMax);
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().text, HasSubstr("entry \"f\": its attributes are longer than 65536"));
}

// Each symlink names the one before twice: followed one by one they are 2^30 directories.
TEST_P(UnpackTest, SymlinksDoNotMultiply) {
  std::vector<TarEntry> entries = {{.name = "l0", .type = '2', .link = "."}};
  for (int i = 1; i <= 30; ++i) {
    std::string before = fmt::format("l{}", i - 1);
    entries.push_back({.name = fmt::format("l{}", i), .type = '2', .link = before + "/" + before});
  }
  entries.push_back({.name = "l30/file"});
  auto done = layer(entries);
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().text, HasSubstr("too many symlinks"));
}

// A name may be short where the directory that it leads to is deep: what is too deep could not be
// removed again.
TEST_P(UnpackTest, SymlinksDoNotLeadDeeperThanNamesMay) {
  std::string deep;
  for (int i = 0; i < 290; ++i) deep += "/d";
  std::vector<TarEntry> entries = {{.name = "l0", .type = '2', .link = "end"}};
  for (int i = 1; i < 40; ++i) {
    std::string link = fmt::format("l{}{}", i - 1, deep);
    entries.push_back({.name = fmt::format("l{}", i), .type = '2', .pax = {{"linkpath", link}}});
  }
  entries.push_back({.name = "l1/file", .content = "x"});
  ASSERT_TRUE(layer(entries));
  EXPECT_EQ(content("end" + deep + "/file"), "x");
  entries.back().name = "l39/file";
  auto done = layer(entries);
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().text, HasSubstr("deeper than 300 directories"));
}

TEST_P(UnpackTest, DamagedArchivesAreRefused) {
  TarWriter tar;
  tar.add({.name = "f", .content = std::string(5000, 'x')});
  EXPECT_TRUE(layer(tar.unfinished()));  // no end blocks: as GNU tar
  for (size_t size : {100, 511, 513, 600, 5000}) {
    auto done = layer(tar.unfinished().substr(0, size));
    EXPECT_FALSE(done) << size;
    discard();
  }
  EXPECT_TRUE(layer(std::string()));
  EXPECT_TRUE(layer(std::string(10240, '\0')));
}

class StoreTest : public UnpackTest {
 protected:
  Result<Image> import(Store& store, const std::string& tar) {
    std::string file = scratch_->path() + "/rootfs.tar";
    TRY(sys::write_replace(file, tar, 0600));
    sys::Fd fd = TRY(sys::open(file, O_RDONLY));
    ImportRequest request{.tar_fd = fd.get(),
                          .reference = TRY(Reference::parse("local/app:1")),
                          .config = {},
                          .platform = {"linux", "amd64", ""},
                          .limits = {},
                          .layers = GetParam()};
    request.config.cmd = {"/bin/true"};
    return import_root_file_system(store, request, Env{clock_, rng_});
  }
  sys::SystemClock clock_;
  sys::SystemRng rng_;
};

INSTANTIATE_TEST_SUITE_P(Layers, StoreTest, kLayers, name_of_layers);

TEST_P(StoreTest, ImportsPinsAndRemoves) {
  Store store = Store::open(scratch_->path() + "/store").value();
  auto image = import(store, TarWriter().add({.name = "f", .content = "hello"}).finish());
  ASSERT_TRUE(image) << image.error().text;
  sys::Fd tree = sys::open_tree_of(image->layer_trees.at(0)).value();
  EXPECT_EQ(sys::read_file_at(tree.get(), "f", 100).value(), "hello");
  tree.reset();
  EXPECT_EQ(image->config.cmd, std::vector<std::string>{"/bin/true"});
  EXPECT_EQ(store.list().value().size(), 1u);
  EXPECT_TRUE(store.remove_garbage().value().layers.empty());
  ASSERT_TRUE(store.remove("docker.io/local/app:1"));
  EXPECT_TRUE(store.remove_garbage().value().layers.empty()) << "pinned";
  EXPECT_TRUE(sys::exists(image->layer_trees.at(0)));
  std::string directory = image->layer_trees.at(0);
  image->pin = Pin();
  EXPECT_EQ(store.remove_garbage().value().layers.size(), 1u);
  EXPECT_FALSE(sys::exists(directory));
}

TEST_P(StoreTest, AFailedImportLeavesNothing) {
  Store store = Store::open(scratch_->path() + "/store").value();
  auto image =
      import(store, "this is no archive at all, however long it is" + std::string(600, 'x'));
  ASSERT_FALSE(image);
  for (const char* directory : {"/tmp", "/layers", "/blobs/sha256", "/images"}) {
    EXPECT_TRUE(sys::list_directory(store.root() + directory)->empty()) << directory;
  }
}

}  // namespace
}  // namespace berth::image
