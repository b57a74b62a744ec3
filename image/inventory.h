// Inventory: all that the store holds, as a value: what there is, what names what, what is in use.
// Derived from the directories each time; there are no counters that could be wrong.
#pragma once

#include "base/env.h"
#include "base/result.h"
#include "image/store.h"

#include <cstdint>
#include <string>
#include <vector>

namespace berth::image {

struct StoredImage {
  ImageRecord record;
  std::vector<std::string> blobs;  // digests: manifests, config, compressed layers
  WallTime last_used;
  bool in_use = false;  // a task has its topmost layer pinned
};

struct StoredLayer {
  std::string chain_id;
  Store::LayerRecord record;  // without digests when layer.json is damaged
  uint64_t bytes = 0;         // on disk; 0 unless Measure::kDisk
  bool is_pinned = false;
};

struct StoredBlob {
  std::string digest;
  uint64_t bytes = 0;
};

struct Inventory {
  std::vector<StoredImage> images;  // by reference
  std::vector<StoredLayer> layers;  // by chain id
  std::vector<StoredBlob> blobs;    // by digest
  // Files under images/ that cannot be read: what they name is not known.
  std::vector<std::string> unreadable;
  uint64_t scratch_bytes = 0;  // under tmp/: pulls that run; 0 unless Measure::kDisk
};

// The size of a layer on disk takes a look at each of its files.
enum class Measure { kNothing, kDisk };

Result<Inventory> take_inventory(const Store& store, Measure measure);

// Bytes on disk of a file or of all beneath a directory, each inode once; 0 for what is not there.
Result<uint64_t> disk_bytes(const std::string& path);

}  // namespace berth::image
