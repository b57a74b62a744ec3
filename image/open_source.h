// The source that a reference names, whatever its kind.
#pragma once

#include "base/env.h"
#include "base/result.h"
#include "image/cancel.h"
#include "image/puller.h"
#include "image/reference.h"
#include "image/source.h"
#include "image/store.h"

#include <memory>
#include <optional>

namespace berth::image {

// A source, and the directory that an archive was unpacked to.
struct OpenSource {
  std::optional<Scratch> scratch;
  std::unique_ptr<Source> source;
};

struct SourceRequest {
  const Reference& reference;
  Cancel* cancel;  // borrowed, may be absent
};
// `config` is borrowed and must live as long as the source.
Result<OpenSource> open_source(Store& store, const PullerConfig& config, Env env,
                               const SourceRequest& request);

}  // namespace berth::image
