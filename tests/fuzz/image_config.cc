// Configurations of images, and the chain ids that follow from them.
#include "image/manifest.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/targets.h"

namespace berth::fuzz {

void image_config(std::string_view text) {
  for (size_t layers : {0, 1, 2}) {
    auto config = image::parse_config(text, layers);
    if (!check_result(config)) continue;
    CHECK(image::chain_ids(config->diff_ids).size() == layers);
  }
}

}  // namespace berth::fuzz
