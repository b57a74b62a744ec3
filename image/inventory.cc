#include "image/inventory.h"

#include "base/log.h"
#include "image/digest.h"
#include "sys/file.h"
#include "sys/tree.h"

#include <fcntl.h>

#include <algorithm>
#include <set>

namespace berth::image {
namespace {

constexpr uint64_t kBlock = 512;  // st_blocks, stat(2)

// Whether nothing is there to be read, now or later. Anything else (EIO, EMFILE, ENOMEM) says
// nothing of what the store holds, and who went on would take the content of an image for garbage.
bool is_lost(const Error& error) {
  return error.code == Errc::kNotFound || error.code == Errc::kCorrupt ||
         error.code == Errc::kInvalid || error.code == Errc::kUnsupported;
}

// What the image needs besides its layers. A damaged manifest names nothing, but the layers still
// say of which blobs they were made.
Result<std::vector<std::string>> blobs_of(const Store& store, const ImageRecord& image) {
  std::set<std::string> blobs = {image.manifest_digest, image.config_digest};
  if (is_digest(image.resolved_digest)) blobs.insert(image.resolved_digest);
  auto text = store.read_blob(image.manifest_digest);
  if (!text && !is_lost(text.error())) return tl::unexpected<Error>(std::move(text).error());
  if (text) {
    auto parsed = parse_manifest(*text, "");
    if (const auto* manifest = parsed ? std::get_if<Manifest>(&*parsed) : nullptr) {
      for (const Descriptor& layer : manifest->layers) blobs.insert(layer.digest);
    }
  }
  for (const std::string& chain_id : image.layers) {
    auto layer = store.read_layer_record(chain_id);
    if (!layer && !is_lost(layer.error())) return tl::unexpected<Error>(std::move(layer).error());
    if (layer) blobs.insert(layer->blob);
  }
  return std::vector<std::string>(blobs.begin(), blobs.end());
}

Result<std::vector<StoredImage>> images_of(const Store& store, std::vector<ImageRecord> records) {
  std::vector<StoredImage> images;
  for (ImageRecord& record : records) {
    StoredImage image;
    auto last_used = store.last_used(record);
    if (!last_used && last_used.error().code == Errc::kNotFound) continue;  // removed meanwhile
    if (!last_used) return tl::unexpected<Error>(std::move(last_used).error());
    image.last_used = *last_used;
    image.blobs = TRY(blobs_of(store, record));
    image.in_use = !record.layers.empty() && TRY(store.is_pinned(record.layers.back()));
    image.record = std::move(record);
    images.push_back(std::move(image));
  }
  return images;
}

// Names that are no digest are nobody's.
Result<std::vector<std::string>> digests_in(const std::string& directory) {
  std::vector<std::string> digests;
  for (const std::string& hex : TRY(sys::list_directory(directory))) {
    std::string digest = std::string(kDigestPrefix) + hex;
    if (is_digest(digest)) digests.push_back(std::move(digest));
  }
  return digests;
}

Status add_tree(int dirfd, const std::string& name, std::set<ino_t>& seen, uint64_t& bytes) {
  auto st = TRY(sys::stat_at(dirfd, name));
  if (!st) return {};
  if (st->st_nlink == 1 || S_ISDIR(st->st_mode) || seen.insert(st->st_ino).second) {
    bytes += static_cast<uint64_t>(st->st_blocks) * kBlock;
  }
  if (!S_ISDIR(st->st_mode)) return {};
  auto directory = sys::open_directory_at(dirfd, name);
  if (!directory && directory.error().code == Errc::kNotFound) return {};
  if (!directory) return tl::unexpected<Error>(std::move(directory).error());
  for (const std::string& child : TRY(sys::list_directory(sys::proc_path(directory->get())))) {
    TRY(add_tree(directory->get(), child, seen, bytes));
  }
  return {};
}

}  // namespace

Result<uint64_t> disk_bytes(const std::string& path) {
  std::set<ino_t> seen;
  uint64_t bytes = 0;
  TRY(add_tree(AT_FDCWD, path, seen, bytes));
  return bytes;
}

Result<Inventory> take_inventory(const Store& store, Measure measure) {
  Inventory inventory;
  auto listing = TRY(store.read_images());
  inventory.unreadable = std::move(listing.unreadable);
  inventory.images = TRY(images_of(store, std::move(listing.images)));
  for (std::string& chain_id : TRY(digests_in(store.root() + "/layers"))) {
    StoredLayer layer;
    if (auto record = store.read_layer_record(chain_id)) layer.record = std::move(*record);
    layer.is_pinned = TRY(store.is_pinned(chain_id));
    if (measure == Measure::kDisk) layer.bytes = TRY(disk_bytes(store.layer_path(chain_id)));
    layer.chain_id = std::move(chain_id);
    inventory.layers.push_back(std::move(layer));
  }
  for (std::string& digest : TRY(digests_in(store.root() + "/blobs/sha256"))) {
    uint64_t bytes = TRY(disk_bytes(store.blob_path(digest)));
    inventory.blobs.push_back({std::move(digest), bytes});
  }
  if (measure == Measure::kDisk) {
    inventory.scratch_bytes = TRY(disk_bytes(store.root() + "/tmp"));
  }
  return inventory;
}

}  // namespace berth::image
