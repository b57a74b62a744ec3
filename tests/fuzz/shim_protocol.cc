// Messages between agent and shim, and exit.json.
#include "runtime/shim_protocol.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/targets.h"

namespace berth::fuzz {

void shim_protocol(std::string_view text) {
  (void)check_result(runtime::parse_order(text));
  if (auto record = runtime::parse_exit_record(text); check_result(record)) {
    CHECK(runtime::parse_exit_record(runtime::render_exit_record(*record)).value() == *record);
  }
  if (auto event = runtime::parse_event(text); check_result(event)) {
    CHECK(runtime::parse_event(runtime::render_event(*event)).value() == *event);
  }
}

}  // namespace berth::fuzz
