// state.json of a container: what is read is written back the same.
#include "runtime/state.h"
#include "tests/fuzz/fuzz.h"

using namespace berth;  // the entry point is not ours to place

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text = fuzz::text_of(data, size);
  auto state = runtime::parse_state(text, "state.json");
  if (!fuzz::check_result(state)) return 0;
  CHECK(state->pid >= 0);
  std::string rendered = runtime::render_state(*state);
  auto again = runtime::parse_state(rendered, "state.json");
  CHECK(again.has_value());
  CHECK(runtime::render_state(*again) == rendered);
  return 0;
}
