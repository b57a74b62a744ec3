// task.json: what is read is written back the same.
#include "runtime/task_plan.h"
#include "tests/fuzz/fuzz.h"

using namespace berth;  // the entry point is not ours to place

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text = fuzz::text_of(data, size);
  auto plan = runtime::parse_task_plan(text, "task.json");
  if (!fuzz::check_result(plan)) return 0;
  auto again = runtime::parse_task_plan(runtime::render_task_plan(*plan), "task.json");
  CHECK(again.has_value());
  CHECK(*again == *plan);
  return 0;
}
