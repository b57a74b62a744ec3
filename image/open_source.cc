#include "image/open_source.h"

#include "image/layout.h"
#include "image/registry.h"
#include "sys/file.h"

#include <fcntl.h>

namespace berth::image {
namespace {

Result<std::unique_ptr<Source>> open_archive(const std::string& file, const std::string& tag,
                                             const std::string& directory) {
  sys::Fd fd = TRY(sys::open(file, O_RDONLY));
  TRY(unpack_archive(fd.get(), file, directory));
  return std::unique_ptr<Source>(std::make_unique<LayoutSource>(directory, tag));
}

}  // namespace

Result<OpenSource> open_source(Store& store, const PullerConfig& config, Env env,
                               const SourceRequest& request) {
  const Reference& reference = request.reference;
  OpenSource opened;
  switch (reference.transport) {
    case Transport::kRegistry:
      opened.source =
          std::make_unique<RegistrySource>(reference, config.registry, env, request.cancel);
      break;
    case Transport::kOciLayout:
      opened.source = std::make_unique<LayoutSource>(reference.path, reference.tag);
      break;
    case Transport::kOciArchive:
    case Transport::kDockerArchive:
      opened.scratch.emplace(TRY(store.make_scratch()));
      opened.source = TRY(open_archive(reference.path, reference.tag, opened.scratch->path()));
      break;
  }
  return opened;
}

}  // namespace berth::image
