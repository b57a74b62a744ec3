// Source: where an image comes from. A registry, a layout directory and archives look the same to
// the puller, which verifies every byte that they give.
#pragma once

#include "base/result.h"
#include "image/manifest.h"
#include "image/stream.h"

#include <string>

namespace berth::image {

class Source {
 public:
  virtual ~Source() = default;
  // What the reference names now: an index or a manifest.
  virtual Result<Descriptor> resolve() = 0;
  // The bytes of a manifest or index; at most kManifestMax.
  virtual Result<std::string> manifest(const Descriptor& descriptor) = 0;
  // All bytes of a blob, in order and each once. Safe from several threads.
  virtual Status blob(const Descriptor& descriptor, const Sink& sink) = 0;
};

}  // namespace berth::image
