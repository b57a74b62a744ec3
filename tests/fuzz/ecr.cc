// GetAuthorizationToken's answer, and tokens as they are kept on disk.
#include "image/ecr.h"
#include "tests/fuzz/fuzz.h"

using namespace berth;  // the entry point is not ours to place

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string text(fuzz::text_of(data, size));
  (void)image::parse_ecr_registry(text);  // any result, no crash
  const image::EcrTokenKey key{"123456789012", "eu-west-1", "https://x/", "AKID"};
  for (int status : {200, 400}) {
    auto token = image::parse_ecr_answer({status, text}, WallTime());
    if (!fuzz::check_result(token)) continue;
    auto kept = image::parse_kept_token(image::render_kept_token(key, *token), key);
    CHECK(kept.has_value());
    CHECK(kept->password.reveal() == token->password.reveal());
    CHECK(kept->expires == token->expires);
  }
  (void)fuzz::check_result(image::parse_kept_token(text, key));
  return 0;
}
