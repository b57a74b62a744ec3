// Check: is what the store holds still what was pulled? And what is not is made so again.
//
//   records   each file under images/ can be read and stands under its name
//             mend: removed; the image has to be pulled again
//   blobs     every blob against its digest; none is missing that an image names
//             mend: fetched again from where an image that names it came from; one that no image
//             names is removed
//   layers    of each image, bottom first: unpacked again from its blob, beside, and compared, name
//             by name and byte by byte
//             mend: the fresh one takes its place in one step; a task that runs on the old one
//             keeps it by its pin
//
// Nothing else is touched. Layers that no image names are not looked at: they are garbage.
#pragma once

#include "base/env.h"
#include "base/result.h"
#include "image/puller.h"
#include "image/store.h"

#include <string>
#include <vector>

namespace berth::image {

enum class CheckedKind { kRecord, kBlob, kLayer };
// "record", "blob", "layer".
const char* name_of(CheckedKind kind);

struct Damage {
  CheckedKind kind;
  std::string name;     // file, digest or chain id
  std::string problem;  // what is wrong with it
  bool is_repaired = false;
  std::string repair;               // what was done, or why nothing was; "" when not asked to
  std::vector<std::string> images;  // references of those that need it
};

struct CheckReport {
  size_t images = 0;
  size_t blobs = 0;
  size_t layers = 0;  // looked at
  std::vector<Damage> damages;
  bool is_whole() const;  // no damage, or all of it repaired
};

enum class Repair { kNo, kYes };

// No image is removed meanwhile; pulls and starts of tasks go on. Errors: only of what keeps the
// check from going on.
Result<CheckReport> check_store(Store& store, const PullerConfig& config, Env env, Repair repair);

}  // namespace berth::image
