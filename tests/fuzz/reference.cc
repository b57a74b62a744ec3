// Image references: what is accepted is canonical after one round.
#include "image/reference.h"
#include "tests/fuzz/fuzz.h"

using namespace berth;  // the entry point is not ours to place

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text = fuzz::text_of(data, size);
  auto reference = image::Reference::parse(text);
  if (!fuzz::check_result(reference)) return 0;
  auto again = image::Reference::parse(reference->to_string());
  CHECK(again.has_value());
  CHECK(again->to_string() == reference->to_string());
  return 0;
}
