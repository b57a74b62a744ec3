// Image references: what is accepted is canonical after one round.
#include "image/reference.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/targets.h"

namespace berth::fuzz {

void reference(std::string_view text) {
  auto reference = image::Reference::parse(text);
  if (!check_result(reference)) return;
  auto again = image::Reference::parse(reference->to_string());
  CHECK(again.has_value());
  CHECK(again->to_string() == reference->to_string());
}

}  // namespace berth::fuzz
