// Configurations of images, and the chain ids that follow from them.
#include "image/manifest.h"
#include "tests/fuzz/fuzz.h"

using namespace berth;  // the entry point is not ours to place

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text = fuzz::text_of(data, size);
  for (size_t layers : {0, 1, 2}) {
    auto config = image::parse_config(text, layers);
    if (!fuzz::check_result(config)) continue;
    CHECK(image::chain_ids(config->diff_ids).size() == layers);
  }
  return 0;
}
