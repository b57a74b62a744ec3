// What registries and token servers answer in JSON: tokens, errors, referrers.
#include "image/referrers.h"
#include "image/token.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/targets.h"

#include <algorithm>

namespace berth::fuzz {

void registry_answer(std::string_view text) {
  auto token = image::parse_token(text, WallTime(std::chrono::seconds(1'700'000'000)));
  if (check_result(token)) {
    CHECK(!token->text.empty() && token->text.reveal().size() <= image::kTokenMax);
    CHECK(std::ranges::all_of(token->text.reveal(), [](char c) { return c > ' ' && c < 127; }));
    CHECK(token->lifetime >= Duration(0));
    CHECK(image::token_margin(token->lifetime) <= token->lifetime);
  }
  std::string reason = image::reason_in(text);
  if (!reason.empty()) check_line(reason);
  auto referrers = image::parse_referrers(text);
  if (check_result(referrers)) {
    for (const image::Referrer& each : *referrers) check_line(each.digest);
  }
}

}  // namespace berth::fuzz
