// Garbage collection: what of the store goes and what stays, and why.
//
//   decide   an image goes by what the policy says, least recently used first; layers and blobs go
//            when no image that stays names them, whoever brought them: an image that went, or a
//            pull that was interrupted
//   apply    names of images first, then layers, then blobs: killed in between, what is left is
//            what the next collection finds unnamed
//
// What is in use by a task stays, whatever the policy. While a record cannot be read it is not
// known what it names, and nothing goes for having no name.
#pragma once

#include "base/env.h"
#include "base/result.h"
#include "image/inventory.h"
#include "image/store.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace berth::image {

struct CollectionPolicy {
  bool all_unused = false;             // every image that no task uses
  std::optional<Duration> unused_for;  // those not used for so long
  std::optional<uint64_t> keep_bytes;  // and as many more as it takes to get down to this
  Duration minimum_age{0};             // pulled more recently: stays
  size_t images_max = SIZE_MAX;        // at most so many images go
};

enum class StoredKind { kImage, kLayer, kBlob };
// "image", "layer", "blob".
const char* name_of(StoredKind kind);

struct Decision {
  StoredKind kind;
  std::string name;    // reference, chain id or digest
  uint64_t bytes = 0;  // on disk; of an image: 0, its layers and blobs are listed themselves
  bool goes = false;
  std::string reason;
};

struct CollectionPlan {
  std::vector<Decision> decisions;  // images, layers, blobs
  uint64_t bytes_before = 0;
  uint64_t bytes_freed = 0;
};

// Pure. The inventory must be measured.
CollectionPlan plan_collection(const Inventory& inventory, const CollectionPolicy& policy,
                               WallTime now);

// Decides and applies, under the lock that no pull may hold. kUnavailable while one does.
Result<CollectionPlan> collect(Store& store, const CollectionPolicy& policy, WallTime now);

}  // namespace berth::image
