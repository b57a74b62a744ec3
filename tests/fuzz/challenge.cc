// WWW-Authenticate headers, and the encodings around them.
#include "image/challenge.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/targets.h"

namespace berth::fuzz {

void challenge(std::string_view text) {
  for (const image::Challenge& challenge : image::parse_challenges(text)) {
    CHECK(!challenge.scheme.empty());
  }
  CHECK(image::decode_base64(image::encode_base64(text)) == text);
  (void)image::decode_base64(text);  // any result, no crash
}

}  // namespace berth::fuzz
