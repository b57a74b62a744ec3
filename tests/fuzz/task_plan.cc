// task.json: what is read is written back the same.
#include "runtime/task_plan.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/targets.h"

namespace berth::fuzz {

void task_plan(std::string_view text) {
  auto plan = runtime::parse_task_plan(text, "task.json");
  if (!check_result(plan)) return;
  auto again = runtime::parse_task_plan(runtime::render_task_plan(*plan), "task.json");
  CHECK(again.has_value());
  CHECK(*again == *plan);
}

}  // namespace berth::fuzz
