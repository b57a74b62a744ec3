// What a container may send to its endpoint, and anybody to the API's port. What is taken lies
// within its limits, the rest of the bytes is a request of its own, and however the bytes are cut,
// the same comes of them.
#include "base/check.h"
#include "http/request_reader.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/targets.h"

#include <algorithm>
#include <vector>

namespace berth::fuzz {
namespace {

void check_request(const http::Request& request) {
  CHECK(request.path.starts_with('/') || (request.path == "*" && request.method == "OPTIONS"));
  CHECK(request.body.size() <= http::kBodyMax);
  CHECK(request.headers.size() <= http::kHeadersMax);
  CHECK(request.is_old || request.headers.contains("host"));
  for (const auto& [name, value] : request.headers) {
    CHECK(!name.empty() && name.find_first_of("\r\n") == std::string::npos);
    CHECK(value.find_first_of("\r\n") == std::string::npos);
  }
  // Never both: a peer that takes the other would see another end.
  CHECK(!request.headers.contains("content-length") ||
        !request.headers.contains("transfer-encoding"));
}

struct Outcome {
  std::vector<http::Request> requests;
  int refused = 0;
};

void hear(http::RequestReader& reader, Outcome& outcome) {
  while (outcome.refused == 0) {
    auto request = reader.next();
    if (!request) {
      outcome.refused = request.error().status;
      CHECK(outcome.refused >= 400 && outcome.refused < 600);
      check_line(request.error().text);
      return;
    }
    if (!*request) return;
    check_request(**request);
    outcome.requests.push_back(std::move(**request));
  }
}

// In pieces of so many bytes.
Outcome outcome_of(std::string_view text, size_t piece) {
  http::RequestReader reader(http::kBodyMax);
  Outcome outcome;
  while (!text.empty() && outcome.refused == 0) {
    size_t taken = std::min(piece, text.size());
    reader.add(text.substr(0, taken));
    text.remove_prefix(taken);
    hear(reader, outcome);
    CHECK(outcome.refused != 0 || !reader.awaits_continue() || !reader.is_between());
  }
  return outcome;
}

void check_same(const Outcome& one, const Outcome& other) {
  CHECK(one.refused == other.refused);
  CHECK(one.requests.size() == other.requests.size());
  for (size_t i = 0; i < one.requests.size(); ++i) {
    CHECK(one.requests[i].path == other.requests[i].path);
    CHECK(one.requests[i].headers == other.requests[i].headers);
    CHECK(one.requests[i].body == other.requests[i].body);
  }
}

}  // namespace

void http_request(std::string_view text) {
  Outcome whole = outcome_of(text, std::max<size_t>(text.size(), 1));
  check_same(whole, outcome_of(text, 1));
  check_same(whole, outcome_of(text, 2 + text.size() % 61));
}

}  // namespace berth::fuzz
