// Messages between agent and shim, and exit.json.
#include "runtime/shim_protocol.h"
#include "tests/fuzz/fuzz.h"

using namespace berth;  // the entry point is not ours to place

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text = fuzz::text_of(data, size);
  (void)fuzz::check_result(runtime::parse_request(text));
  if (auto record = runtime::parse_exit_record(text); fuzz::check_result(record)) {
    CHECK(runtime::parse_exit_record(runtime::render_exit_record(*record)).value() == *record);
  }
  if (auto event = runtime::parse_event(text); fuzz::check_result(event)) {
    CHECK(runtime::parse_event(runtime::render_event(*event)).value() == *event);
  }
  return 0;
}
