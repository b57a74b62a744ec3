#include "image/layer_format.h"

#include "base/log.h"
#include "image/erofs_medium.h"
#include "image/merged.h"
#include "sys/file.h"
#include "sys/image_mount.h"
#include "sys/tree.h"

#include <mutex>
#include <optional>
#include <utility>

namespace berth::image {
namespace {

const std::string kFileCapability = "security.capability";
const std::string kRootItself;
const std::string kSmallFile = "file";

Status write_small_image(const std::string& path) {
  auto medium = TRY(ErofsMedium::create(path));
  std::string none("\1\0\0\2", 4);  // VFS_CAP_REVISION_2 and the effective bit; no capability
  none.resize(20);
  Looks looks{{0, 0}, 0755, {{kFileCapability, none}}, {}};
  TRY(medium->begin_file(
      {medium->root(), kSmallFile, std::move(looks), 0, kSmallFile, kSmallFile}));
  TRY(medium->commit_file());
  Medium::DirectoryRef root = medium->root();
  TRY(medium->mark_opaque({root, kRootItself}));
  return medium->finish();
}

// A kernel may have EROFS without extended attributes or those of security modules, or with pages
// that are larger than the blocks of an image.
Status try_small_image(const std::string& path) {
  TRY(sys::can_mount_images());
  TRY(write_small_image(path));
  sys::Fd root = TRY(sys::open_tree_of(path));
  bool shows_all = TRY(sys::xattr_at(root.get(), kRootItself, kOpaqueAttribute)) == "y" &&
                   TRY(sys::xattr_at(root.get(), kSmallFile, kFileCapability)).has_value();
  if (shows_all) return {};
  return fail(Errc::kUnsupported, "the kernel shows no extended attributes of an EROFS");
}

// A disk that is full, or too many open files, may be otherwise for the next layer.
bool is_about_the_host(const Error& error) {
  return error.code == Errc::kUnsupported || error.code == Errc::kInvalid ||
         error.code == Errc::kDenied;
}

Status try_here(const std::string& directory) {
  std::string path = directory + "/small.erofs";
  auto tried = try_small_image(path);
  TRY(sys::remove_file(path));
  return tried;
}

}  // namespace

LayerFormat usable(LayerFormat wanted, const std::string& directory) {
  if (wanted == LayerFormat::kDirectory) return wanted;
  static std::mutex mutex;
  static std::optional<bool> known;
  std::lock_guard lock(mutex);
  if (!known) {
    Status tried = try_here(directory);
    if (!tried) LOG(kInfo, "layers are unpacked to directories", {{"why", tried.error().text}});
    if (!tried && !is_about_the_host(tried.error())) return LayerFormat::kDirectory;
    known = tried.has_value();
  }
  return *known ? wanted : LayerFormat::kDirectory;
}

}  // namespace berth::image
