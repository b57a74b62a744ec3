// `berth load`: every image of an archive, or of a layout directory, becomes an image of the store.
#pragma once

#include "base/result.h"
#include "image/puller.h"

#include <string>
#include <vector>

namespace berth::image {

struct LoadRequest {
  int fd = -1;         // the archive, borrowed; read to its end (a pipe will do)
  std::string source;  // what it is called, for errors; without an fd: the directory of a layout
  std::string name;    // for images that the archive gives no whole name; may be empty
  Platform platform;
  ProgressSink progress;     // may be empty
  Cancel* cancel = nullptr;  // borrowed, may be absent
};

struct NamedEntry {
  Reference reference;
  Descriptor descriptor;
};

// What the images of a layout will be called. An entry's whole name (NAME:TAG) is taken as it is; a
// tag alone, and nothing at all, need `name`. Pure. Errors: kInvalid that says what is missing.
Result<std::vector<NamedEntry>> name_entries(const Index& index, const std::string& name);

// In the archive's order. Errors as pulls'; the images before the one that failed stay.
Result<std::vector<Image>> load_images(Store& store, const PullerConfig& config, Env env,
                                       const LoadRequest& request);

}  // namespace berth::image
