// Store: verified blobs, unpacked layers and the names of images, on disk.
//
//   <root>/
//     blobs/sha256/<hex>       manifests, configs and layers as they came, digest verified
//     layers/<chain-id hex>/   one unpacked layer on its lower ones; immutable once visible
//       fs.erofs                 its content, one file that the kernel mounts; owners are the
//                                image's ids
//       fs/                      or a directory, where the host cannot mount such a file
//       layer.json               see LayerRecord
//     images/<hex of the reference's SHA-256>.json   what a reference names, see ImageRecord
//     tmp/                     work in progress; each piece is flock'ed by who makes it
//     locks/                   pull-<hex> one pull of a layer at a time; store: shared by pulls,
//                              exclusive for the removal of garbage
//
// What stands under blobs/ and layers/ was synced before its rename: after a power cut it is there
// and whole, or not there. record() syncs the names of all of it first and then its own: what
// find() gives is durable. Removal goes the other way: a layer's name is gone for good before
// anything in it goes.
//
// Several berth processes may share a root. A killed process leaves only things in tmp/ whose lock
// nobody holds; open() sweeps those.
#pragma once

#include "base/env.h"
#include "base/result.h"
#include "image/highest_owner.h"
#include "image/layer_format.h"
#include "image/manifest.h"
#include "sys/fd.h"
#include "sys/file.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace berth::image {

// What a reference names. Kept as images/<...>.json with "version":1.
struct ImageRecord {
  std::string reference;        // canonical
  std::string resolved_digest;  // of what the reference named: an index's or a manifest's
  std::string manifest_digest;  // of the platform's manifest
  std::string config_digest;
  std::string platform;             // "linux/amd64"
  std::vector<std::string> layers;  // chain ids, bottom first
  uint64_t size = 0;                // bytes of the compressed layers
  bool imported = false;            // made on this host: no registry has it
  int64_t pulled_at = 0;            // seconds since 1970; 0: unknown
};

// Keeps layers from being removed as garbage while it lives: a shared flock(2) on each layer
// directory. The descriptors may be handed to a longer-lived process (the locks go with them).
class Pin {
 public:
  Pin() = default;
  // Borrowed.
  std::vector<int> descriptors() const;

 private:
  friend class Store;
  std::vector<sys::Fd> locks_;
};

// A directory or file under tmp/ that is ours while this lives, removed with its owner.
class Scratch {
 public:
  Scratch(Scratch&&) noexcept = default;
  Scratch& operator=(Scratch&&) = delete;
  ~Scratch();
  const std::string& path() const { return path_; }

 private:
  friend class Store;
  Scratch(std::string path, sys::Fd lock) : path_(std::move(path)), lock_(std::move(lock)) {}
  std::string path_;  // a directory; its lock is the flock on the directory itself
  sys::Fd lock_;
};

// What was removed.
struct Garbage {
  std::vector<std::string> layers;  // chain ids
  std::vector<std::string> blobs;   // digests
  uint64_t bytes = 0;               // of the blobs
};

class Store {
 public:
  // Makes the tree if it is missing and sweeps what killed processes left in tmp/.
  static Result<Store> open(const std::string& root);

  const std::string& root() const { return root_; }

  // Images by reference. `find` gives nothing for an unknown reference or when a blob or layer of
  // the image is gone.
  Result<std::optional<ImageRecord>> find(const std::string& reference) const;
  struct Listing {
    std::vector<ImageRecord> images;      // by reference
    std::vector<std::string> unreadable;  // files under images/ that are damaged
  };
  Result<Listing> read_images() const;
  // Those that can be read; a warning for each of the others.
  Result<std::vector<ImageRecord>> list() const;
  Status record(const ImageRecord& image);
  // When the image was last started or pulled: the time of its record, to the hour, because a write
  // for each start would wear out flash.
  Result<WallTime> last_used(const ImageRecord& image) const;
  Status mark_used(const ImageRecord& image, WallTime now) const;
  // Forgets the name; kNotFound when there is none. The content stays until remove_garbage().
  Status remove(const std::string& reference);

  // Blobs.
  std::string blob_path(const std::string& digest) const;
  bool has_blob(const std::string& digest) const;
  // The content, digest verified again (small blobs: manifests and configs).
  Result<std::string> read_blob(const std::string& digest) const;
  // Stores bytes under their digest, which is returned.
  Result<std::string> write_blob(std::string_view bytes);
  // Makes a verified and complete file of a scratch directory visible as a blob.
  Status commit_blob(const std::string& file, const std::string& digest);

  // Layers.
  std::string layer_path(const std::string& chain_id) const;
  // The directory or image that the layer is.
  std::string layer_tree(const std::string& chain_id) const;
  bool has_layer(const std::string& chain_id) const;
  struct LayerRecord {
    std::string chain_id;
    std::string diff_id;
    std::string blob;   // digest of the compressed layer
    uint64_t size = 0;  // of the plain tar
    HighestOwner owner;
  };
  Result<LayerRecord> read_layer_record(const std::string& chain_id) const;
  // What a fetch has verified, whole, and nobody sees yet.
  struct Finished {
    Scratch scratch;                    // holds blob, layer/ with its tree, or both
    std::string blob;                   // its digest; "": the store has it
    std::optional<LayerRecord> layer;   // absent: the store has it
    std::optional<sys::FileLock> lock;  // of the layer, see lock_layer()
  };
  // What was unpacked, or where it shall be: a name that nothing has yet.
  static std::string unpacked_tree(const Scratch& scratch);
  static Result<std::string> new_tree(const Scratch& scratch, LayerFormat format);
  // Makes all of it visible: one syncfs, then the renames, in this order. Waits for no lock. A
  // layer that is already there wins.
  Status commit(const std::vector<Finished>& all);
  // Syncs what has been written so far, of layers that are not finished too, so that commit() finds
  // less left. Its failure is one of commit(): the kernel tells each only once.
  Status sync_early() const;
  // `scratch` holds layer/ with its tree, which takes the place of a damaged layer in one step.
  // Who has that pinned keeps it, as tmp/work-*.old, until the next open() after the pin has gone.
  Status replace_layer(const Scratch& scratch, const LayerRecord& layer);

  // Work in progress.
  Result<Scratch> make_scratch();
  // Held while one process fetches and unpacks the layer; waits for another process to finish.
  Result<sys::FileLock> lock_layer(const std::string& chain_id) const;
  // Held during a pull, so that garbage removal does not take what is about to be named.
  Result<sys::Fd> lock_for_pull() const;

  // Keeps the layers in place. kNotFound when one is gone.
  Result<Pin> pin(const std::vector<std::string>& chain_ids) const;

  // Held while garbage is removed: no pull runs, nothing becomes pinned. kUnavailable while one
  // does.
  Result<sys::Fd> lock_for_removal() const;
  // Whether somebody has pinned the layer.
  Result<bool> is_pinned(const std::string& chain_id) const;
  // Removes layers and blobs that nothing names (image/collection.h decides), under
  // lock_for_removal(). A layer that is pinned stays.
  Status remove_layers(const std::vector<std::string>& chain_ids);
  Status remove_blobs(const std::vector<std::string>& digests);
  // Of layers that nobody pulls at the moment.
  Status remove_idle_locks();

  // Removes layers and blobs that no image names; pinned layers stay (and their blobs go: a blob is
  // needed only to unpack). kUnavailable while a pull runs.
  Result<Garbage> remove_garbage();

 private:
  explicit Store(std::string root) : root_(std::move(root)) {}
  Status sweep() const;
  Status make_tree() const;
  Status show(const Finished& finished);
  Status show_layer(const Scratch& scratch, const std::string& chain_id);
  std::string image_path(const std::string& reference) const;
  std::string root_;
};

}  // namespace berth::image
