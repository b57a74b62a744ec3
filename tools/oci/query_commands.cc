#include "base/text.h"
#include "oci/commands.h"
#include "runtime/container.h"
#include "runtime/default_spec.h"
#include "sys/file.h"

#include <unistd.h>

#include <cstdio>
#include <optional>
#include <string>
#include <vector>

namespace berth::oci {

Result<int> state(const Invocation& invocation) {
  runtime::State state = TRY(runtime::state(invocation.root(), invocation.names[0]));
  std::printf("%s\n", runtime::render_oci(state).c_str());
  return 0;
}

Result<int> list(const Invocation& invocation) {
  std::vector<runtime::State> states = TRY(runtime::list(invocation.root()));
  std::string format = invocation.options.text("format", "table");
  if (format != "table" && format != "json") {
    return fail(Errc::kInvalid, "--format: must be table or json, not {}", printable(format, 32));
  }
  bool quiet = invocation.options.flag("quiet");
  if (format == "json" && !quiet) {
    std::vector<std::string> items;
    items.reserve(states.size());
    for (const runtime::State& state : states) items.push_back(runtime::render_oci(state));
    std::printf("[%s]\n", join(items, ",").c_str());
    return 0;
  }
  if (!quiet) std::printf("%-36s %-8s %-8s %s\n", "ID", "PID", "STATUS", "BUNDLE");
  for (const runtime::State& state : states) {
    if (quiet) {
      std::printf("%s\n", state.id.c_str());
      continue;
    }
    bool gone = state.status == runtime::ContainerStatus::kStopped;
    std::printf("%-36s %-8d %-8s %s\n", state.id.c_str(), gone ? 0 : state.pid,
                runtime::name_of(state.status), state.bundle.c_str());
  }
  return 0;
}

Result<int> spec(const Invocation& invocation) {
  std::string path = invocation.options.text("bundle", ".") + "/config.json";
  if (sys::exists(path)) return fail(Errc::kExists, "{} exists already; remove it first", path);
  std::optional<runtime::RootlessUser> rootless;
  if (invocation.options.flag("rootless")) rootless = {.uid = ::geteuid(), .gid = ::getegid()};
  TRY(sys::write_replace(path, runtime::render_default_spec(rootless), 0644));
  return 0;
}

}  // namespace berth::oci
