// ForeignSource: layers that their makers do not let registries hand on ("foreign" or
// "non-distributable": Windows' base layers, some vendors' software). The manifest says where they
// lie instead.
//
// As with containerd and podman, what has urls is fetched from there: in their order, by http or
// https. Nobody's credentials are shown there; the digest says whether the bytes are right. The
// source is asked first, for one that has the bytes all the same saves the way.
#pragma once

#include "base/env.h"
#include "image/cancel.h"
#include "image/puller.h"
#include "image/source.h"

#include <string>

namespace berth::image {

class ForeignSource final : public Source {
 public:
  // All borrowed; `cancel` may be absent.
  ForeignSource(Source& source, const RegistryConfig& config, Env env, Cancel* cancel)
      : source_(source), config_(config), env_(env), cancel_(cancel) {}

  Result<Descriptor> resolve() override { return source_.resolve(); }
  Result<std::string> manifest(const Descriptor& descriptor) override {
    return source_.manifest(descriptor);
  }
  // Errors of a foreign layer name every place that was asked.
  Status blob(const Descriptor& descriptor, const Sink& sink) override;

 private:
  Source& source_;
  const RegistryConfig& config_;
  Env env_;
  Cancel* cancel_;
};

}  // namespace berth::image
