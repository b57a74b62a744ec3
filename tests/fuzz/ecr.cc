// GetAuthorizationToken's answer, and tokens as they are kept on disk.
#include "image/ecr.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/targets.h"

namespace berth::fuzz {

void ecr(std::string_view input) {
  std::string text(input);
  (void)image::parse_ecr_registry(text);  // any result, no crash
  const image::EcrTokenKey key{"123456789012", "eu-west-1", "https://x/", "AKID"};
  for (int status : {200, 400}) {
    auto token = image::parse_ecr_answer({status, text}, WallTime());
    if (!check_result(token)) continue;
    auto kept = image::parse_kept_token(image::render_kept_token(key, *token), key);
    CHECK(kept.has_value());
    CHECK(kept->password.reveal() == token->password.reveal());
    CHECK(kept->expires == token->expires);
  }
  (void)check_result(image::parse_kept_token(text, key));
}

}  // namespace berth::fuzz
