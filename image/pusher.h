// Pusher: an image of the store to a registry.
//
//   blobs      two at a time, each one unless it is there, or in another repository of the registry
//              from which it can be mounted (see upload.h)
//   manifests  what is referred to first, byte for byte as they came: digests stay
//   the name   the last manifest goes to the tag: it stands for what is whole, or for what it did
//
// Blocking; call it on a worker.
#pragma once

#include "base/env.h"
#include "base/result.h"
#include "image/puller.h"
#include "image/reference.h"
#include "image/store.h"

#include <string>

namespace berth::image {

class Pusher {
 public:
  // `store` and `env` are borrowed.
  Pusher(Store& store, PullerConfig config, Env env);

  struct Request {
    ImageRecord image;
    Reference destination;     // a registry's; a digest must be the image's
    ProgressSink progress;     // may be empty
    Cancel* cancel = nullptr;  // borrowed, may be absent
  };
  // The digest under which the registry has it now. Errors name registry, repository and cause.
  Result<std::string> push(const Request& request);

 private:
  Store& store_;
  PullerConfig config_;
  Env env_;
};

}  // namespace berth::image
