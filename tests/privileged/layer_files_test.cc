#include "runtime/layer_files.h"

#include "support/layer_image.h"
#include "sys/tree.h"

#include <gmock/gmock.h>

#include <fcntl.h>
#include <unistd.h>

#include <optional>

namespace berth::runtime {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr size_t kMax = 64;

// Three layers; the parameter says which are images: "idi".
class LayerFiles : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    directory_.emplace(sys::TemporaryDirectory::make("/tmp", "berth-files-").value());
    for (const char* layer : {"0", "1", "2"}) {
      ASSERT_TRUE(sys::make_directories(path(layer) + "/etc", 0755));
    }
  }
  void TearDown() override {
    if (!directory_) return;
    EXPECT_TRUE(comes_true([this] { return loop_devices_beneath(directory_->path()).empty(); }));
  }

  std::string path(const std::string& name) const { return directory_->path() + "/" + name; }
  void write(const std::string& name, const std::string& text) const {
    ASSERT_TRUE(sys::write_replace(path(name), text, 0644));
  }
  void make_node(const std::string& name, mode_t mode, dev_t device) const {
    ASSERT_TRUE(sys::make_node_at(AT_FDCWD, path(name), mode, device));
  }
  std::vector<std::string> layers() const {
    std::vector<std::string> made;
    for (int i = 0; i < 3; ++i) {
      made.push_back(path(std::to_string(i)));
      if (GetParam()[i] == 'd') continue;
      make_layer_image(made.back(), made.back() + ".d/fs.erofs");
      made.back() += ".d/fs.erofs";
    }
    return made;
  }
  std::vector<std::string> read(const std::vector<std::string>& paths) const {
    auto read = read_from_layers(layers(), paths, kMax);
    EXPECT_TRUE(read) << read.error().text;
    return read ? *read : std::vector<std::string>{};
  }

  std::optional<sys::TemporaryDirectory> directory_;
};

TEST_P(LayerFiles, TheUppermostThatHasOneCounts) {
  for (const char* layer : {"0", "1"}) write(std::string(layer) + "/etc/passwd", layer);
  write("0/etc/group", "below");
  write("2/etc/other", "above");
  EXPECT_THAT(read({"etc/passwd", "etc/group", "/etc/other", "etc/none"}),
              ElementsAre("1", "below", "above", ""));
}

TEST_P(LayerFiles, AWhiteoutHidesWhatIsBelow) {
  write("0/etc/passwd", "below");
  make_node("1/etc/passwd", S_IFCHR, 0);
  EXPECT_THAT(read({"etc/passwd"}), ElementsAre(""));
}

TEST_P(LayerFiles, SymlinksStayWithinTheLayer) {
  write("1/etc/real", "within");
  ASSERT_TRUE(sys::symlink("/etc/real", path("1/etc/passwd")));
  write("secret", "outside");
  ASSERT_TRUE(sys::symlink("../../../../../../.." + path("secret"), path("2/etc/group")));
  EXPECT_THAT(read({"etc/passwd", "etc/group"}), ElementsAre("within", ""));
}

// A device would answer, a fifo never.
TEST_P(LayerFiles, OnlyFilesAreOpened) {
  make_node("2/etc/passwd", S_IFCHR | 0644, makedev(1, 5));
  make_node("2/etc/group", S_IFIFO | 0644, 0);
  write("2/etc/large", std::string(kMax + 1, 'x'));
  EXPECT_THAT(read({"etc/passwd", "etc/group", "etc/large", "etc"}), ElementsAre("", "", "", ""));
}

TEST_P(LayerFiles, ALayerThatCannotBeOpenedIsAnError) {
  std::vector<std::string> paths = layers();
  write("broken", "x");
  for (const char* bad : {"broken", "nowhere"}) {
    paths[1] = path(bad);
    auto failed = read_from_layers(paths, {"etc/passwd"}, kMax);
    ASSERT_FALSE(failed) << bad;
    EXPECT_THAT(failed.error().text, HasSubstr(path(bad)));
  }
}

INSTANTIATE_TEST_SUITE_P(Of, LayerFiles, testing::Values("ddd", "iii", "idi"),
                         [](const auto& chosen) { return std::string(chosen.param); });

}  // namespace
}  // namespace berth::runtime
