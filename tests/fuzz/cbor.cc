// What a client may send as CBOR: it becomes JSON that we read, or is refused in one line; and what
// was read comes back when it is written.
#include "api/cbor.h"

#include "base/json.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/targets.h"

#include <nlohmann/json.hpp>

namespace berth::fuzz {

void cbor(std::string_view text) {
  constexpr size_t kDepthMax = 32;
  auto read = api::json_of_cbor(text, kDepthMax);
  if (!check_result(read)) return;
  CHECK(json::Document::parse(*read, {.name = "request", .depth_max = kDepthMax}).has_value());
  auto tree = nlohmann::ordered_json::parse(*read);
  auto again = api::json_of_cbor(api::cbor_of_json(tree, " a "), kDepthMax + 1);
  CHECK(again && *again == *read);
}

}  // namespace berth::fuzz
