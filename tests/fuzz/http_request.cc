// What a container may send to its endpoint. What is taken lies within its limits, and the rest of
// the bytes is a request of its own.
#include "http/message.h"
#include "tests/fuzz/fuzz.h"

using namespace berth;  // the entry point is not ours to place

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text = fuzz::text_of(data, size);
  while (true) {
    auto parsed = http::parse_request(text);
    if (!parsed) {
      CHECK(parsed.error().status >= 400 && parsed.error().status < 600);
      return 0;
    }
    if (!*parsed) return 0;
    const http::Request& request = (*parsed)->request;
    CHECK((*parsed)->consumed > 0 && (*parsed)->consumed <= text.size());
    CHECK(request.path.starts_with('/'));
    CHECK(request.body.size() <= http::kBodyMax);
    CHECK(request.headers.size() <= http::kHeadersMax);
    for (const auto& [name, value] : request.headers) {
      CHECK(!name.empty() && name.find_first_of("\r\n") == std::string::npos);
      CHECK(value.find_first_of("\r\n") == std::string::npos);
    }
    text.remove_prefix((*parsed)->consumed);
  }
}
