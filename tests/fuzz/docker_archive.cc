// manifest.json of an archive that `docker save` wrote.
#include "image/docker_archive.h"
#include "image/manifest.h"
#include "tests/fuzz/fuzz.h"

using namespace berth;  // the entry point is not ours to place

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto images = image::parse_saved_images(fuzz::text_of(data, size));
  if (!fuzz::check_result(images)) return 0;
  CHECK(images->size() <= image::kSavedImagesMax);
  for (const image::SavedImage& image : *images) CHECK(image.layers.size() <= image::kLayersMax);
  return 0;
}
