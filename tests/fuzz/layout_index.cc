// index.json of an OCI layout, and what its images will be called.
#include "image/load.h"
#include "image/manifest.h"
#include "tests/fuzz/fuzz.h"

#include <variant>

using namespace berth;  // the entry point is not ours to place

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text = fuzz::text_of(data, size);
  auto parsed = image::parse_manifest(text, "application/vnd.oci.image.index.v1+json");
  if (!fuzz::check_result(parsed)) return 0;
  const auto* index = std::get_if<image::Index>(&*parsed);
  if (index == nullptr) return 0;
  for (const char* name : {"", "app", "app:1"}) {
    auto entries = image::name_entries(*index, name);
    if (!fuzz::check_result(entries)) continue;
    for (const image::NamedEntry& entry : *entries) {
      // A name in the store is one that can be typed.
      auto again = image::Reference::parse(entry.reference.to_string());
      CHECK(again.has_value() && *again == entry.reference);
    }
  }
  return 0;
}
