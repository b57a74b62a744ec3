// Manifests and indexes, as a registry serves them.
#include "image/manifest.h"
#include "tests/fuzz/fuzz.h"

#include <variant>

using namespace berth;  // the entry point is not ours to place

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text = fuzz::text_of(data, size);
  auto parsed = image::parse_manifest(text, "application/vnd.oci.image.manifest.v1+json");
  if (!fuzz::check_result(parsed)) return 0;
  if (const auto* index = std::get_if<image::Index>(&*parsed)) {
    (void)fuzz::check_result(image::choose(*index, {.os = "linux", .architecture = "arm64"}));
  }
  return 0;
}
