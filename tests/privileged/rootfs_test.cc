// Root file systems over layers that are images, directories, or both: with the host's ids and with
// a user namespace they must look the same.
#include "runtime/rootfs.h"

#include "runtime/explain_parts.h"
#include "support/layer_image.h"
#include "sys/mount.h"
#include "sys/tree.h"

#include <gmock/gmock.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <optional>

namespace berth::runtime {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr uint32_t kFirst = 300000;

// One whose ids 0 to 65,535 are the host's from kFirst on.
class MappedNamespace {
 public:
  MappedNamespace() {
    auto started = sys::spawn({.path = "unshare",
                               .arguments = {"unshare", "--user", "sleep", "infinity"},
                               .environment = std::nullopt,
                               .descriptors = {},
                               .dies_with_us = true,
                               .working_directory = ""});
    process_ = std::move(started.value());
    std::string proc = fmt::format("/proc/{}/", process_.pid);
    std::string ours = sys::read_link("/proc/self/ns/user").value();
    EXPECT_TRUE(comes_true([&] {
      auto its = sys::read_link(proc + "ns/user");
      return its && *its != ours;
    }));
    std::string map = fmt::format("0 {} 65536", kFirst);
    EXPECT_TRUE(sys::write_to(proc + "uid_map", map));
    EXPECT_TRUE(sys::write_to(proc + "gid_map", map));
    fd_ = sys::open(proc + "ns/user", O_RDONLY).value();
  }
  ~MappedNamespace() {
    EXPECT_TRUE(sys::send_signal(process_, SIGKILL));
    EXPECT_TRUE(sys::wait(process_));
  }
  int get() const { return fd_.get(); }

 private:
  sys::Process process_;
  sys::Fd fd_;
};

// The parameter: which of the two layers are images ("di": the lower one a directory), and whether
// there is a user namespace.
struct Kind {
  const char* layers;
  bool mapped;
};

class Rootfs : public testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    directory_.emplace(sys::TemporaryDirectory::make("/tmp", "berth-rootfs-").value());
    make_lower();
    make_upper();
    plan_ = {.layers = {layer("lower", GetParam().layers[0]), layer("upper", GetParam().layers[1])},
             .upper = path("disk/upper"),
             .work = path("disk/work"),
             .target = path("root")};
    if (GetParam().mapped) namespace_.emplace();
    first_ = GetParam().mapped ? kFirst : 0;
  }
  void TearDown() override {
    if (!directory_) return;
    EXPECT_TRUE(unmount_rootfs(plan_));
    EXPECT_TRUE(comes_true([this] { return devices().empty(); })) << "a loop device is left";
    EXPECT_THAT(sys::read_file("/proc/self/mountinfo", 16 << 20).value(),
                testing::Not(HasSubstr(directory_->path())));
  }

  std::string path(const std::string& name) const { return directory_->path() + "/" + name; }
  std::vector<std::string> devices() const { return loop_devices_beneath(directory_->path()); }

  void write(const std::string& name, const std::string& text, mode_t mode) const {
    ASSERT_TRUE(sys::write_replace(path(name), text, mode));
  }
  void make_lower() const {
    for (const char* name : {"lower", "lower/kept", "lower/hidden", "lower/dev"}) {
      ASSERT_TRUE(sys::make_directory(path(name), 0755));
    }
    write("lower/kept/stays", "below\n", 0640);
    ASSERT_TRUE(sys::chown(path("lower/kept/stays"), 1000, 2000));
    ASSERT_EQ(::setxattr(path("lower/kept/stays").c_str(), "user.key", "value", 5, 0), 0);
    write("lower/kept/goes", "below\n", 0644);
    write("lower/hidden/below", "below\n", 0644);
    write("lower/id", sys::read_file("/usr/bin/id", 16 << 20).value(), 0755);
    ASSERT_TRUE(sys::chown(path("lower/id"), 1000, 0));
    ASSERT_TRUE(sys::chmod(path("lower/id"), 04755));
    ASSERT_TRUE(sys::make_node_at(AT_FDCWD, path("lower/dev/zero"), S_IFCHR | 0666, makedev(1, 5)));
  }
  void make_upper() const {
    for (const char* name : {"upper", "upper/kept", "upper/hidden"}) {
      ASSERT_TRUE(sys::make_directory(path(name), 0755));
    }
    ASSERT_TRUE(sys::make_node_at(AT_FDCWD, path("upper/kept/goes"), S_IFCHR, makedev(0, 0)));
    ASSERT_EQ(::setxattr(path("upper/hidden").c_str(), "trusted.overlay.opaque", "y", 1, 0), 0);
    write("upper/hidden/above", "above\n", 0644);
    ASSERT_TRUE(sys::chown(path("upper"), 7, 8));
    ASSERT_TRUE(sys::chmod(path("upper"), 0751));
  }
  std::string layer(const std::string& name, char kind) const {
    if (kind == 'd') return path(name);
    make_layer_image(path(name), path(name + ".d/fs.erofs"));
    return path(name + ".d/fs.erofs");
  }
  Status mount() const { return mount_rootfs(plan_, namespace_ ? namespace_->get() : -1); }
  struct stat look(const std::string& name) const {
    return sys::stat(path("root" + name)).value();
  }
  std::vector<std::string> names(const std::string& name) const {
    return sys::list_directory(path("root" + name)).value();
  }

  std::optional<sys::TemporaryDirectory> directory_;
  std::optional<MappedNamespace> namespace_;
  RootfsPlan plan_;
  uint32_t first_ = 0;
};

TEST_P(Rootfs, ShowsTheLayersAsOne) {
  auto mounted = mount();
  ASSERT_TRUE(mounted) << mounted.error().text;
  EXPECT_THAT(names(""), ElementsAre("dev", "hidden", "id", "kept"));
  EXPECT_THAT(names("/kept"), ElementsAre("stays")) << "the other has a whiteout";
  EXPECT_THAT(names("/hidden"), ElementsAre("above")) << "the directory is opaque";
  EXPECT_EQ(sys::read_file(path("root/kept/stays"), 64).value(), "below\n");
  std::array<char, 16> value{};
  ASSERT_EQ(::getxattr(path("root/kept/stays").c_str(), "user.key", value.data(), value.size()), 5);
  EXPECT_STREQ(value.data(), "value");
}

TEST_P(Rootfs, OwnersAreTheLayersAsTheNamespaceMapsThem) {
  ASSERT_TRUE(mount());
  EXPECT_EQ(look("/kept/stays").st_uid, first_ + 1000);
  EXPECT_EQ(look("/kept/stays").st_gid, first_ + 2000);
  EXPECT_EQ(look("/kept/stays").st_mode & 07777, 0640u);
  for (const std::string& root : {path("root"), plan_.upper}) {
    struct stat known = sys::stat(root).value();
    EXPECT_EQ(known.st_uid, first_ + 7) << root;
    EXPECT_EQ(known.st_gid, first_ + 8) << root;
    EXPECT_EQ(known.st_mode & 07777, 0751u) << root;
  }
}

TEST_P(Rootfs, WhatIsWrittenIsInTheUpperDirectory) {
  ASSERT_TRUE(mount());
  ASSERT_TRUE(sys::write_to(path("root/kept/stays"), "mine\n"));
  ASSERT_TRUE(sys::remove_file(path("root/hidden/above")));
  EXPECT_EQ(sys::read_file(plan_.upper + "/kept/stays", 64).value(), "mine\n\n");
  EXPECT_EQ(sys::stat(plan_.upper + "/kept/stays")->st_uid, first_ + 1000);
  EXPECT_EQ(sys::read_file(path("lower/kept/stays"), 64).value(), "below\n");
  EXPECT_THAT(names("/hidden"), ElementsAre());
}

// The mount of an image is stricter than the overlay over it, which is what counts.
TEST_P(Rootfs, DevicesAndSetUserIdsAreAsInADirectory) {
  ASSERT_TRUE(mount());
  auto zero = sys::open(path("root/dev/zero"), O_RDONLY);
  ASSERT_TRUE(zero) << zero.error().text;
  char byte = 'x';
  EXPECT_EQ(sys::read_some(zero->get(), &byte, 1).value(), 1u);
  EXPECT_EQ(byte, '\0');
  auto ran = sys::run_program({.path = path("root/id"),
                               .arguments = {"id", "-u"},
                               .environment = std::nullopt,
                               .descriptors = {},
                               .working_directory = ""},
                              "");
  ASSERT_TRUE(ran) << ran.error().text;
  EXPECT_EQ(ran->out, fmt::format("{}\n", first_ + 1000));
}

TEST_P(Rootfs, OnlyTheOverlayHoldsWhatWasMounted) {
  ASSERT_TRUE(mount());
  std::string mounts = sys::read_file("/proc/self/mountinfo", 16 << 20).value();
  EXPECT_THAT(mounts, HasSubstr(path("root") + " "));
  EXPECT_THAT(mounts, testing::Not(HasSubstr(" " + path("root.layers"))));
  std::string layers = GetParam().layers;
  EXPECT_EQ(devices().size(), static_cast<size_t>(std::count(layers.begin(), layers.end(), 'i')));
}

TEST_P(Rootfs, ExplainedDevicesAreThoseOfTheLayers) {
  ASSERT_TRUE(mount());
  std::vector<Step> steps;
  add_root_steps(plan_, GetParam().mapped, steps);
  std::vector<std::string> seen;
  for (const Step& step : steps) {
    for (const Look& look : step.looks) {
      if (!look.file.starts_with("/sys/block/")) continue;
      ASSERT_EQ(look.words.size(), 1u);
      EXPECT_EQ(trim(sys::read_file(look.file, 8192).value_or("none")), look.words[0]);
      seen.push_back(look.words[0]);
    }
  }
  std::vector<std::string> images;
  for (const std::string& layer : plan_.layers) {
    if (layer.ends_with(".erofs")) images.push_back(layer);
  }
  EXPECT_THAT(seen, testing::UnorderedElementsAreArray(images));
}

TEST_P(Rootfs, ALayerThatCannotBeMountedIsNamedAndLeavesNothing) {
  write("broken", std::string(1 << 20, 'x'), 0600);
  plan_.layers.insert(plan_.layers.begin(), path("broken"));
  auto mounted = mount();
  ASSERT_FALSE(mounted);
  EXPECT_THAT(mounted.error().text, HasSubstr("mount " + path("broken") + ": not an EROFS"));
  EXPECT_TRUE(comes_true([this] { return devices().empty(); }));
}

INSTANTIATE_TEST_SUITE_P(OfLayers, Rootfs,
                         testing::Values(Kind{"dd", false}, Kind{"ii", false}, Kind{"di", false},
                                         Kind{"dd", true}, Kind{"ii", true}, Kind{"id", true}),
                         [](const auto& chosen) {
                           return std::string(chosen.param.layers) +
                                  (chosen.param.mapped ? "_mapped" : "_host");
                         });

}  // namespace
}  // namespace berth::runtime
