// ECS task definitions. What is accepted can be started in some order.
#include "scheduler/task_definition_parse.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/targets.h"

namespace berth::fuzz {

void task_definition(std::string_view text) {
  auto task =
      scheduler::read_task_definition(text, "task.json", scheduler::CpuArchitecture::kX86_64);
  if (!task) {
    check_findings(task.error());
    return;
  }
  CHECK(scheduler::start_order(*task).size() == task->container_definitions.size());
  for (const auto& container : task->container_definitions) {
    (void)scheduler::effective_mount_points(*task, container);
  }
}

}  // namespace berth::fuzz
