// LayoutSource: an OCI image layout directory; and archives, which are made into one first.
#pragma once

#include "base/result.h"
#include "image/source.h"

#include <optional>
#include <string>
#include <utility>

namespace berth::image {

class LayoutSource final : public Source {
 public:
  // An empty tag means the only image of the layout.
  LayoutSource(std::string directory, std::string tag)
      : directory_(std::move(directory)), tag_(std::move(tag)) {}
  // The image of one entry of its index.
  LayoutSource(std::string directory, Descriptor chosen)
      : directory_(std::move(directory)), chosen_(std::move(chosen)) {}

  Result<Descriptor> resolve() override;
  Result<std::string> manifest(const Descriptor& descriptor) override;
  Status blob(const Descriptor& descriptor, const Sink& sink) override;

 private:
  std::string directory_;
  std::string tag_;
  std::optional<Descriptor> chosen_;
};

// index.json of a layout.
Result<Index> read_layout_index(const std::string& directory);

// Makes an OCI layout of an archive in `directory`: of an OCI layout in a tar, or of the output of
// `docker save`; of what is both (Docker 25 and newer) the former, which keeps the digests. `fd` is
// borrowed; `name` is for errors.
Status unpack_archive(int fd, const std::string& name, const std::string& directory);

}  // namespace berth::image
