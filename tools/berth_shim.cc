// berth-shim TASKDIR: serves one task; the agent's connection is descriptor 3. Not for people: the
// agent starts it, and its log goes where the agent says (standard error).
#include "base/log.h"
#include "runtime/shim.h"
#include "sys/clock.h"
#include "sys/file.h"

#include <cstdio>
#include <cstring>

namespace berth {
namespace {

constexpr int kAgentFd = 3;
constexpr int kEndpointFd = 4;  // where the plan says that there is one

Status serve(const std::string& directory) {
  std::string path = runtime::TaskPaths{directory}.plan();
  auto text = TRY(sys::read_file(path, runtime::kTaskPlanMax));
  auto plan = TRY(runtime::parse_task_plan(text, path));
  TRY(sys::set_cloexec(kAgentFd));
  sys::SystemClock clock;
  sys::SystemRng rng;
  runtime::ShimInheritance inheritance;
  inheritance.agent = sys::Fd(kAgentFd);
  if (plan.endpoint && plan.endpoint->host_listener) {
    TRY(sys::set_cloexec(kEndpointFd));
    inheritance.endpoint = sys::Fd(kEndpointFd);
  }
  return runtime::serve_task(plan, std::move(inheritance), Env{clock, rng});
}

}  // namespace
}  // namespace berth

int main(int argc, char** argv) {
  if (argc == 2 && std::strcmp(argv[1], "--version") == 0) {
    std::puts("berth-shim " BERTH_VERSION);
    return 0;
  }
  if (argc != 2) {
    std::fputs("usage: berth-shim TASKDIR   (started by berth, with its socket as descriptor 3)\n",
               stderr);
    return 2;
  }
  auto served = berth::serve(argv[1]);
  if (served) return 0;
  std::fprintf(stderr, "berth-shim: %s\n", served.error().text.c_str());
  return 1;
}
