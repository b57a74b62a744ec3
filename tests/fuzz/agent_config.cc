// berth.json: what is read is written back the same.
#include "agent/config.h"
#include "tests/fuzz/fuzz.h"

using namespace berth;  // the entry point is not ours to place

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text = fuzz::text_of(data, size);
  auto config = agent::parse_config(text, "berth.json");
  if (!fuzz::check_result(config)) return 0;
  std::string rendered = agent::render_config(*config);
  auto again = agent::parse_config(rendered, "berth.json");
  CHECK(again.has_value());
  CHECK(agent::render_config(*again) == rendered);
  return 0;
}
