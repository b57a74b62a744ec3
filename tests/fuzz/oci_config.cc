// config.json of the OCI runtime, and the plan that is made of it for either kind of host.
#include "runtime/plan.h"
#include "runtime/spec.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/targets.h"

namespace berth::fuzz {
namespace {

constexpr const char* kUnified =
    "31 23 0:28 / /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw,nsdelegate\n";
constexpr const char* kHybrid =
    "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
    "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
    "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";

}  // namespace

void oci_config(std::string_view text) {
  auto spec = runtime::parse_spec(text);
  if (!check_result(spec)) return;
  for (const char* mountinfo : {kUnified, kHybrid}) {
    auto plan = runtime::make_plan(*spec, {sys::Cgroups::parse(mountinfo).value(), "/x"});
    if (check_result(plan)) (void)runtime::render(*plan);
  }
}

}  // namespace berth::fuzz
