// state.json: what is known of a container between two calls of the runtime.
//
//   <root>/<id>/state.json   {"version":1,"ociVersion":...,"id":...,"pid":...,"startTime":...,
//                             "bundle":...,"rootfs":...,"cgroup":...,"created":...,
//                             "annotations":{},"hooks":{}}; "hooks" only when some are to run later
//   <root>/<id>/state.json.next  what state.json will be when the init is ready
//   <root>/<id>/config.json  as it was when the container was made
//   <root>/<id>/init.sock    exists from create until start: the init waits behind it
//
// The status is not stored but looked up: no process (or a zombie, or another process with the same
// pid) is "stopped"; a waiting init.sock is "created"; pid 0 is "creating"; else "running".
#pragma once

#include "base/result.h"
#include "runtime/hooks.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/types.h>

namespace berth::runtime {

// kPaused is found only where it is asked for, runtime/control.h.
enum class ContainerStatus { kCreating, kCreated, kRunning, kPaused, kStopped };
// "creating", "created", "running", "paused", "stopped".
const char* name_of(ContainerStatus status);

struct State {
  std::string oci_version;
  std::string id;
  pid_t pid = 0;            // of the init; 0 while creating
  uint64_t start_time = 0;  // clock ticks since boot: with the pid, the identity of the init
  std::string bundle;
  std::string rootfs;
  std::string cgroup;   // "" for none
  std::string created;  // RFC 3339
  std::vector<std::pair<std::string, std::string>> annotations;
  Hooks hooks;  // those that run after create: poststart and poststop
  ContainerStatus status = ContainerStatus::kCreating;
};

constexpr size_t kContainerIdMax = 1024;
// kInvalid unless 1 to kContainerIdMax of [A-Za-z0-9_+.-], and neither "." nor "..".
Status check_id(const std::string& id);

std::string directory_of(const std::string& root, const std::string& id);
// The copy of config.json that the container was made with: later changes of the bundle's have no
// effect (runtime-spec, Lifecycle).
std::string config_of(const std::string& root, const std::string& id);
std::string socket_of(const std::string& root, const std::string& id);

// The content of state.json, without the status.
std::string render_state(const State& state);
// kCorrupt or kInvalid with the name and the member that is wrong; status stays kCreating.
Result<State> parse_state(std::string_view text, const std::string& name);

Status save(const std::string& root, const State& state);
// The same in two halves, so that the state can be written before it is true.
Status prepare_save(const std::string& root, const State& state);
Status commit_save(const std::string& root, const std::string& id);
// The whole directory, state.json last of what is usually there.
Status remove_state(const std::string& root, const std::string& id);
// With the status looked up.
Result<State> load(const std::string& root, const std::string& id);

// As the OCI specification has it (pid left out unless created or running).
std::string render_oci(const State& state);
// What a hook reads: on one line, with this status, and with the pid when it is known.
std::string render_for_hook(const State& state, ContainerStatus status);

}  // namespace berth::runtime
