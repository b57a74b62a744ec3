#include "agent/layer_devices.h"

#include "support/layer_image.h"
#include "sys/image_mount.h"

#include <unistd.h>

#include <optional>

namespace berth::agent {
namespace {

class LayerDevices : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    directory_.emplace(sys::TemporaryDirectory::make("/tmp", "berth-devices-").value());
    ASSERT_TRUE(sys::make_directories(path("tree/etc"), 0755));
  }

  std::string path(const std::string& name) const { return directory_->path() + "/" + name; }
  size_t devices() const { return loop_devices_beneath(directory_->path()).size(); }
  std::string make_image(const std::string& name) const {
    make_layer_image(path("tree"), path(name + "/fs.erofs"));
    return path(name + "/fs.erofs");
  }

  std::optional<sys::TemporaryDirectory> directory_;
};

// More than threads, some of them of both images, one of them a directory, one of them missing.
TEST_F(LayerDevices, EachLayerThatIsAnImageHasOneWhileTheyAreHeld) {
  image::Image lower;
  image::Image upper;
  for (int i = 0; i < 20; ++i) {
    std::string file = make_image(std::to_string(i));
    lower.layer_trees.push_back(file);
    if (i % 2 == 0) upper.layer_trees.push_back(file);
  }
  upper.layer_trees.push_back(path("tree"));
  upper.layer_trees.push_back(path("nowhere"));
  upper.layer_trees.push_back(make_image("own"));
  auto held = hold_layer_devices({{"one", &lower}, {"two", &upper}, {"three", &upper}});
  EXPECT_EQ(devices(), 21u);
  for (const std::string& layer : lower.layer_trees) EXPECT_TRUE(sys::mount_image(layer));
  EXPECT_EQ(devices(), 21u) << "those that are held were found";
  auto again = hold_layer_devices({{"one", &lower}});
  EXPECT_EQ(devices(), 21u);
  held.clear();
  EXPECT_TRUE(comes_true([this] { return devices() == 20; }));
  again.clear();
  EXPECT_TRUE(comes_true([this] { return devices() == 0; }));
}

TEST_F(LayerDevices, DirectoriesHaveNone) {
  image::Image image;
  image.layer_trees = {path("tree")};
  EXPECT_TRUE(hold_layer_devices({{"one", &image}}).empty());
  EXPECT_EQ(devices(), 0u);
}

}  // namespace
}  // namespace berth::agent
