// What a container may send to its endpoint. What is taken lies within its limits, and the rest of
// the bytes is a request of its own.
#include "http/message.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/targets.h"

namespace berth::fuzz {
namespace {

void check_request(const http::Request& request) {
  CHECK(request.path.starts_with('/'));
  CHECK(request.body.size() <= http::kBodyMax);
  CHECK(request.headers.size() <= http::kHeadersMax);
  for (const auto& [name, value] : request.headers) {
    CHECK(!name.empty() && name.find_first_of("\r\n") == std::string::npos);
    CHECK(value.find_first_of("\r\n") == std::string::npos);
  }
}

}  // namespace

void http_request(std::string_view text) {
  while (true) {
    auto parsed = http::parse_request(text, http::kBodyMax);
    if (!parsed) {
      CHECK(parsed.error().status >= 400 && parsed.error().status < 600);
      return;
    }
    if (!*parsed) {
      (void)http::awaits_continue(text);  // must not crash
      return;
    }
    CHECK((*parsed)->consumed > 0 && (*parsed)->consumed <= text.size());
    check_request((*parsed)->request);
    text.remove_prefix((*parsed)->consumed);
  }
}

}  // namespace berth::fuzz
