// Manifests and indexes, as a registry serves them.
#include "image/manifest.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/targets.h"

#include <variant>

namespace berth::fuzz {

void manifest(std::string_view text) {
  auto parsed = image::parse_manifest(text, "application/vnd.oci.image.manifest.v1+json");
  if (!check_result(parsed)) return;
  if (const auto* index = std::get_if<image::Index>(&*parsed)) {
    (void)check_result(image::choose(*index, {.os = "linux", .architecture = "arm64"}));
  }
}

}  // namespace berth::fuzz
