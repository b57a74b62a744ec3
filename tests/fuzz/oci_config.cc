// config.json of the OCI runtime, and the plan that is made of it for either kind of host.
#include "runtime/plan.h"
#include "runtime/spec.h"
#include "tests/fuzz/fuzz.h"

constexpr const char* kUnified =
    "31 23 0:28 / /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw,nsdelegate\n";
constexpr const char* kHybrid =
    "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
    "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
    "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";

using namespace berth;  // the entry point is not ours to place

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text = fuzz::text_of(data, size);
  auto spec = runtime::parse_spec(text);
  if (!fuzz::check_result(spec)) return 0;
  for (const char* mountinfo : {kUnified, kHybrid}) {
    auto plan = runtime::make_plan(*spec, {sys::Cgroups::parse(mountinfo).value(), "/x"});
    if (fuzz::check_result(plan)) (void)runtime::render(*plan);
  }
  return 0;
}
