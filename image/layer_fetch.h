// Fetching one layer: the pipeline of three threads that puller.h draws.
#pragma once

#include "base/result.h"
#include "image/manifest.h"
#include "image/puller.h"
#include "image/source.h"
#include "image/store.h"
#include "image/unpack.h"

#include <cstdint>
#include <functional>
#include <string>

namespace berth::image {

struct LayerFetch {
  Descriptor blob;       // digest "" and size 0: unknown beforehand (import)
  std::string diff_id;   // "": unknown beforehand (import)
  std::string chain_id;  // "": the diff id itself (the only layer of an import)
  LowerLayers lower;
  UnpackLimits limits;
  // Called with the number of compressed bytes so far; an error stops the fetch.
  std::function<Status(uint64_t bytes)> on_bytes;
};

// Brings the layer into the store, from the blob if the store has it, else from the source, which
// is kept as a blob. Both digests are verified before anything becomes visible.
Result<Store::LayerRecord> fetch_layer(Store& store, Source& source, const LayerFetch& fetch);

// The layer once more, from the blob that the store has, into layer/fs/ of `scratch` and no
// further: to compare it with what stands there, and to take its place.
Result<Store::LayerRecord> rebuild_layer(const Store& store, const LayerFetch& fetch,
                                         const Scratch& scratch);

}  // namespace berth::image
