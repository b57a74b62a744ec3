// LayoutSource: an OCI image layout directory; and archives, which are unpacked into one first.
#pragma once

#include "base/result.h"
#include "image/source.h"

#include <memory>
#include <string>

namespace berth::image {

class LayoutSource final : public Source {
 public:
  // An empty tag means the only image of the layout.
  LayoutSource(std::string directory, std::string tag)
      : directory_(std::move(directory)), tag_(std::move(tag)) {}

  Result<Descriptor> resolve() override;
  Result<std::string> manifest(const Descriptor& descriptor) override;
  Status blob(const Descriptor& descriptor, const Sink& sink) override;

 private:
  std::string directory_;
  std::string tag_;
};

// Unpacks an oci-archive into `directory` (files only, no name leaves it).
Status unpack_oci_archive(const std::string& file, const std::string& directory);

// Unpacks the output of `docker save` and writes an OCI layout of the image `tag` (empty: the only
// one) into `directory`.
Status convert_docker_archive(const std::string& file, const std::string& tag,
                              const std::string& directory);

}  // namespace berth::image
