// What registries and token servers answer in JSON: tokens, errors, referrers.
#include "image/referrers.h"
#include "image/token.h"
#include "tests/fuzz/fuzz.h"

#include <algorithm>

using namespace berth;  // the entry point is not ours to place

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text = fuzz::text_of(data, size);
  auto token = image::parse_token(text, WallTime(std::chrono::seconds(1'700'000'000)));
  if (fuzz::check_result(token)) {
    CHECK(!token->text.empty() && token->text.reveal().size() <= image::kTokenMax);
    CHECK(std::ranges::all_of(token->text.reveal(), [](char c) { return c > ' ' && c < 127; }));
    CHECK(token->lifetime >= Duration(0));
    CHECK(image::token_margin(token->lifetime) <= token->lifetime);
  }
  std::string reason = image::reason_in(text);
  if (!reason.empty()) fuzz::check_line(reason);
  auto referrers = image::parse_referrers(text);
  if (fuzz::check_result(referrers)) {
    for (const image::Referrer& each : *referrers) fuzz::check_line(each.digest);
  }
  return 0;
}
