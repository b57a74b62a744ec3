#include "base/text.h"
#include "oci/commands.h"
#include "runtime/container.h"
#include "runtime/default_spec.h"
#include "runtime/features.h"
#include "sys/file.h"
#include "sys/host.h"

#include <nlohmann/json.hpp>

#include <cstdio>
#include <optional>
#include <string>
#include <vector>

namespace berth::oci {
namespace {

// By the owner of the state directory; "#1000" for a user without a name.
std::string owner_of(const std::string& root, const runtime::State& state) {
  auto there = sys::stat(runtime::directory_of(root, state.id));
  if (!there) return "";
  return there->st_uid == 0 ? "root" : fmt::format("#{}", there->st_uid);
}

int pid_of(const runtime::State& state) {
  return state.status == runtime::ContainerStatus::kStopped ? 0 : state.pid;
}

void print_json(const std::string& root, const std::vector<runtime::State>& states) {
  nlohmann::ordered_json items = nlohmann::ordered_json::array();
  for (const runtime::State& state : states) {
    nlohmann::ordered_json item = nlohmann::ordered_json::parse(runtime::render_oci(state));
    item["pid"] = pid_of(state);
    item["owner"] = owner_of(root, state);
    items.push_back(std::move(item));
  }
  std::printf("%s\n", items.dump().c_str());
}

void print_table(const std::string& root, const std::vector<runtime::State>& states) {
  constexpr const char* kRow = "%-36s %-8s %-8s %-36s %-30s %s\n";
  std::printf(kRow, "ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER");
  for (const runtime::State& state : states) {
    std::printf(kRow, state.id.c_str(), std::to_string(pid_of(state)).c_str(),
                runtime::name_of(state.status), state.bundle.c_str(), state.created.c_str(),
                owner_of(root, state).c_str());
  }
}

}  // namespace

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
  if (invocation.options.flag("quiet")) {
    for (const runtime::State& state : states) std::printf("%s\n", state.id.c_str());
  } else if (format == "json") {
    print_json(invocation.root(), states);
  } else {
    print_table(invocation.root(), states);
  }
  return 0;
}

Result<int> features(const Invocation&) {
  std::fputs(runtime::render_features().c_str(), stdout);
  return 0;
}

Result<int> spec(const Invocation& invocation) {
  std::string path = invocation.options.text("bundle", ".") + "/config.json";
  if (sys::exists(path)) return fail(Errc::kExists, "{} exists already; remove it first", path);
  std::optional<runtime::RootlessUser> rootless;
  if (invocation.options.flag("rootless"))
    rootless = {.uid = sys::own_uid(), .gid = sys::own_gid()};
  TRY(sys::write_replace(path, runtime::render_default_spec(rootless), 0644));
  return 0;
}

}  // namespace berth::oci
