// WWW-Authenticate headers, and the encodings around them.
#include "image/challenge.h"
#include "tests/fuzz/fuzz.h"

using namespace berth;  // the entry point is not ours to place

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text = fuzz::text_of(data, size);
  for (const image::Challenge& challenge : image::parse_challenges(text)) {
    CHECK(!challenge.scheme.empty());
  }
  CHECK(image::decode_base64(image::encode_base64(text)) == text);
  (void)image::decode_base64(text);  // any result, no crash
  return 0;
}
