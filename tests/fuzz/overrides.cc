// RunTask's overrides, applied to a small definition.
#include "scheduler/overrides.h"
#include "tests/fuzz/fuzz.h"

using namespace berth;  // the entry point is not ours to place

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text = fuzz::text_of(data, size);
  auto overrides = scheduler::read_overrides(text, "overrides");
  if (!overrides) {
    fuzz::check_findings(overrides.error());
    return 0;
  }
  scheduler::TaskDefinition task{.family = "f"};
  task.container_definitions = {{.name = "a", .image = "i", .memory_mib = 64}};
  auto applied =
      scheduler::apply_overrides(task, *overrides, {}, scheduler::CpuArchitecture::kX86_64);
  if (!applied) fuzz::check_findings(applied.error());
  return 0;
}
