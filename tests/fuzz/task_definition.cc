// ECS task definitions. What is accepted can be started in some order.
#include "scheduler/task_definition_parse.h"
#include "tests/fuzz/fuzz.h"

using namespace berth;  // the entry point is not ours to place

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text = fuzz::text_of(data, size);
  auto task =
      scheduler::read_task_definition(text, "task.json", scheduler::CpuArchitecture::kX86_64);
  if (!task) {
    fuzz::check_findings(task.error());
    return 0;
  }
  CHECK(scheduler::start_order(*task).size() == task->container_definitions.size());
  for (const auto& container : task->container_definitions) {
    (void)scheduler::effective_mount_points(*task, container);
  }
  return 0;
}
