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
#include <optional>
#include <string>

namespace berth::image {

struct LayerFetch {
  Descriptor blob;       // digest "" and size 0: unknown beforehand (import)
  std::string diff_id;   // "": unknown beforehand (import)
  std::string chain_id;  // "": the diff id itself (the only layer of an import)
  LowerLayers lower;
  UnpackLimits limits;
  LayerFormat format;
  // Called with the number of compressed bytes so far; an error stops the fetch.
  std::function<Status(uint64_t bytes)> on_bytes;
};

// Fetches what the store lacks of the layer, in the format if that is usable here, both digests
// verified, for the store to commit: from the blob if the store has it, else from the source, whose
// bytes are kept as the blob. Of a layer that was unpacked from another blob (the same tar,
// compressed otherwise) only the blob: whoever pushes or saves the image needs it. Nothing when the
// store has all.
Result<std::optional<Store::Finished>> fetch_layer(Store& store, Source& source,
                                                   const LayerFetch& fetch);

// The layer once more, from the blob that the store has, into layer/ of `scratch` and no
// further: to compare it with what stands there, and to take its place.
Result<Store::LayerRecord> rebuild_layer(const Store& store, const LayerFetch& fetch,
                                         const Scratch& scratch);

}  // namespace berth::image
