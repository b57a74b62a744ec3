// manifest.json of an archive that `docker save` wrote.
#include "image/docker_archive.h"
#include "image/manifest.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/targets.h"

namespace berth::fuzz {

void docker_archive(std::string_view text) {
  auto images = image::parse_saved_images(text);
  if (!check_result(images)) return;
  CHECK(images->size() <= image::kSavedImagesMax);
  for (const image::SavedImage& image : *images) CHECK(image.layers.size() <= image::kLayersMax);
}

}  // namespace berth::fuzz
