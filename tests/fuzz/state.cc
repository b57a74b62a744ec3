// state.json of a container: what is read is written so that it reads the same.
#include "runtime/state.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/targets.h"

namespace berth::fuzz {

void state(std::string_view text) {
  auto state = runtime::parse_state(text, "state.json");
  if (!check_result(state)) return;
  CHECK(state->pid >= 0);
  std::string rendered = runtime::render_state(*state);
  auto again = runtime::parse_state(rendered, "state.json");
  CHECK(again.has_value());
  CHECK(again->id == state->id && again->pid == state->pid);
  CHECK(again->start_time == state->start_time && again->annotations == state->annotations);
}

}  // namespace berth::fuzz
