// Layers: a tar from memory is unpacked above two lower layers with what whiteouts, opaque
// directories, hard links and symlinked parents meet. Nothing may be written beside the directory,
// nor into the lower layers, and no whiteout may stand where overlayfs would list it. As an image
// it looks the same. As root everything is made, device nodes too; others come as far as the first
// chown(2).
#include "image/unpack.h"

#include "base/log.h"
#include "image/disk_medium.h"
#include "image/erofs_medium.h"
#include "image/merged.h"
#include "image/tree_difference.h"
#include "sys/file.h"
#include "sys/image_mount.h"
#include "sys/tree.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/targets.h"

#include <fcntl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cstdlib>

namespace berth::fuzz {
namespace {

class Memory final : public image::ByteSource {
 public:
  explicit Memory(std::string_view bytes) : rest_(bytes) {}
  Result<std::string_view> read() override { return std::exchange(rest_, {}); }

 private:
  std::string_view rest_;
};

void make_file(const std::string& path) {
  CHECK(sys::write_replace(path, "low", 0755));
}

// As an image often has it: /lib is a symlink to usr/lib.
void make_lower(const std::string& path) {
  CHECK(sys::make_directories(path + "/usr/lib", 0755));
  CHECK(sys::symlink_at("usr/lib", AT_FDCWD, path + "/lib"));
  make_file(path + "/usr/lib/libc");
  for (const char* directory : {"/etc", "/o/sub", "/d", "/s", "/t"}) {
    CHECK(sys::make_directories(path + directory, 0755));
  }
  for (const char* file : {"/etc/gone", "/etc/kept", "/o/low", "/o/sub/low", "/d/x", "/s/f"}) {
    make_file(path + file);
  }
  CHECK(sys::link_at({AT_FDCWD, path + "/s/f"}, {AT_FDCWD, path + "/s/g"}));
}

// Hides one file and all of t, and is itself opaque there: only root can make such a layer.
void make_middle(const std::string& path) {
  CHECK(sys::make_directories(path + "/t", 0755));
  if (::geteuid() != 0) return;
  CHECK(sys::make_directories(path + "/etc", 0755));
  CHECK(sys::make_node_at(AT_FDCWD, path + "/etc/gone", S_IFCHR, makedev(0, 0)));
  auto opaque = sys::open(path + "/t", O_RDONLY | O_DIRECTORY);
  CHECK(opaque.has_value() && sys::set_xattr_at(opaque->get(), "", image::kOpaqueAttribute, "y"));
}

bool is_opaque(const std::string& directory) {
  auto fd = sys::open(directory, O_RDONLY | O_DIRECTORY);
  CHECK(fd.has_value());
  auto attributes = sys::xattrs_at(fd->get(), "");
  CHECK(attributes.has_value());
  bool opaque = false;
  for (const auto& [attribute, value] : *attributes) {
    if (!attribute.starts_with(image::kOverlayAttributes)) continue;
    CHECK(attribute == image::kOpaqueAttribute && value == "y");
    opaque = true;
  }
  return opaque;
}

// A whiteout has something to hide, and stands in a directory that overlayfs merges.
void check_layer(const std::string& target, const std::string& path, bool is_merged,
                 const image::MergedView& lower) {
  std::string directory = path.empty() ? target : target + "/" + path;
  is_merged = is_merged && !is_opaque(directory);
  auto names = sys::list_directory(directory);
  CHECK(names.has_value());
  for (const std::string& name : *names) {
    std::string below = path.empty() ? name : path + "/" + name;
    auto st = sys::stat_at(AT_FDCWD, directory + "/" + name);
    CHECK(st.has_value() && st->has_value());
    if (image::is_whiteout(**st)) {
      auto hidden = lower.find(below);
      CHECK(is_merged && hidden.has_value() && hidden->has_value());
    }
    // Longer ones would need a walk by descriptors.
    bool is_short = target.size() + below.size() < 4000;
    if (S_ISDIR((*st)->st_mode) && is_short) check_layer(target, below, is_merged, lower);
  }
}

Result<image::HighestOwner> unpack_to(image::Medium& medium, std::string_view text,
                                      const image::UnpackOptions& options) {
  Memory tar(text);
  auto done = image::unpack(tar, medium, options);
  if (!done) check_error(done.error());
  return done;
}

// An image of the layer is taken where a directory is, and the kernel shows the same in it. What
// only a disk refuses (times beyond its range, too many attributes, devices without root) an image
// may take.
void check_image(const std::string& directory, std::string_view text,
                 const image::UnpackOptions& options, bool is_taken) {
  std::string file = directory + "/image";
  auto medium = image::ErofsMedium::create(file);
  CHECK(medium.has_value());
  auto done = unpack_to(**medium, text, options);
  CHECK(done.has_value() || !is_taken);
  // An image keeps access lists as they come; a disk's mode and list change each other.
  bool has_lists = text.find("posix_acl") != std::string_view::npos;
  if (!is_taken || has_lists || ::geteuid() != 0 || !sys::can_mount_images()) return;
  auto found = image::differences({directory + "/target", file}, 1);
  CHECK(found.has_value() && found->empty());
}

}  // namespace

void unpack(std::string_view text) {
  log::set_level(log::Level::kError);
  const char* parent = std::getenv("TMPDIR");
  auto directory =
      sys::TemporaryDirectory::make(parent != nullptr ? parent : "/tmp", "berth-fuzz-");
  CHECK(directory.has_value());
  const std::vector<std::string> layers = {directory->path() + "/lower",
                                           directory->path() + "/middle"};
  std::string target = directory->path() + "/target";
  make_lower(layers[0]);
  make_middle(layers[1]);
  CHECK(sys::make_directories(target, 0755));
  image::UnpackOptions options{1000, 0, directory->path(), nullptr};
  options.lower = [&] { return image::MergedView::open(layers); };
  auto medium = image::DiskMedium::open(target);
  CHECK(medium.has_value());
  auto done = unpack_to(**medium, text, options);
  check_image(directory->path(), text, options, done.has_value());
  auto view = image::MergedView::open(layers);
  CHECK(view.has_value());
  if (done) check_layer(target, "", /*is_merged=*/true, *view);
  auto names = sys::list_directory(directory->path());
  CHECK(names.has_value() && names->size() == 4);
  auto low = sys::read_file(layers[0] + "/etc/kept", 100);
  CHECK(low.has_value() && *low == "low");
  CHECK(sys::list_directory(layers[0])->size() == 7);
  CHECK(sys::list_directory(layers[1])->size() == (::geteuid() == 0 ? 2 : 1));
}

}  // namespace berth::fuzz
