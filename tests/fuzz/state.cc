// state.json of a container: what is read is written so that it reads the same.
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
  CHECK(again->id == state->id && again->pid == state->pid);
  CHECK(again->start_time == state->start_time && again->annotations == state->annotations);
  return 0;
}
