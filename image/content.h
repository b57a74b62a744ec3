// Content: all that an image of the store consists of, for those who give it away (push and save).
#pragma once

#include "base/result.h"
#include "image/manifest.h"
#include "image/store.h"

#include <optional>
#include <string>
#include <vector>

namespace berth::image {

struct ManifestContent {
  Descriptor descriptor;
  std::string bytes;  // as they came: their digest is the descriptor's
};

struct Content {
  std::vector<Descriptor> blobs;           // layers and configs, each once
  std::vector<ManifestContent> manifests;  // what is referred to first; the last one is the image
  const ManifestContent& top() const { return manifests.back(); }
};

// That of the platform.
Result<Manifest> manifest_of(const Store& store, const ImageRecord& record);

// What the record's reference named: with its index where the store has all that the index names,
// else the platform's manifest alone. The blobs of the latter's layers may be missing, see
// restore_layer_blobs(). Foreign layers are left out: their bytes are not ours to give.
Result<Content> content_of(const Store& store, const ImageRecord& record);

// A blob of the store that holds the layer `diff_id`, however compressed.
Result<std::optional<std::string>> find_layer_blob(const Store& store, const std::string& diff_id);

// Writes the plain tar of a layer to `file`; kCorrupt when it is not `diff_id`.
Status inflate_blob(const Store& store, const std::string& blob, const std::string& diff_id,
                    const std::string& file);

// The store does not fetch a blob for a layer that it has unpacked from another one. Where the
// manifest wants the layer plain, the same bytes can be had by inflating that other one: they are
// stored as a blob. Compressing does not give the same bytes again: such blobs stay missing.
Status restore_layer_blobs(Store& store, const ImageRecord& record);

}  // namespace berth::image
