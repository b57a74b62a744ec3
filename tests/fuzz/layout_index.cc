// index.json of an OCI layout, and what its images will be called.
#include "image/load.h"
#include "image/manifest.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/targets.h"

#include <variant>

namespace berth::fuzz {

void layout_index(std::string_view text) {
  auto parsed = image::parse_manifest(text, "application/vnd.oci.image.index.v1+json");
  if (!check_result(parsed)) return;
  const auto* index = std::get_if<image::Index>(&*parsed);
  if (index == nullptr) return;
  for (const char* name : {"", "app", "app:1"}) {
    auto entries = image::name_entries(*index, name);
    if (!check_result(entries)) continue;
    for (const image::NamedEntry& entry : *entries) {
      // A name in the store is one that can be typed.
      auto again = image::Reference::parse(entry.reference.to_string());
      CHECK(again.has_value() && *again == entry.reference);
    }
  }
}

}  // namespace berth::fuzz
