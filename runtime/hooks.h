// Hooks: programs that run at fixed points of a container's life (runtime-spec config.md, "POSIX
// platform hooks"; runtime.md, "Lifecycle").
//
//   kind             runs in     when                                    a failure
//   prestart         runtime     create, after mounts, before the pivot  ends create
//   createRuntime    runtime     create, right after prestart            ends create
//   createContainer  container   create, before the pivot; its path is   ends create
//                                the host's
//   startContainer   container   start, before the program               ends start
//   poststart        runtime     start, after the program was executed   ends start; kills
//   poststop         runtime     delete, after everything was removed    is a warning
//
// "Runtime" hooks are run here, by the parent; those in the container by the init, runtime/init.cc.
// Every hook gets the state as JSON on its standard input. What it writes is kept in a memory file
// and told when it fails.
#pragma once

#include "base/json.h"
#include "base/result.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace berth::runtime {

struct Hook {
  std::string path;                             // absolute
  std::vector<std::string> args;                // argv; empty: the path alone
  std::optional<std::vector<std::string>> env;  // absent: the runtime's own, for runtime hooks
  std::optional<uint32_t> timeout_s;            // absent: none
};

enum class HookKind {
  kPrestart,
  kCreateRuntime,
  kCreateContainer,
  kStartContainer,
  kPoststart,
  kPoststop
};
constexpr size_t kHookKinds = 6;
// "prestart", ... as in config.json. In the order of HookKind.
constexpr std::array<std::string_view, kHookKinds> kHookNames{
    "prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"};
constexpr size_t kHooksMax = 256;  // of one kind

struct Hooks {
  std::array<std::vector<Hook>, kHookKinds> lists;

  const std::vector<Hook>& of(HookKind kind) const { return lists[static_cast<size_t>(kind)]; }
  bool empty() const;
};

// The "hooks" object of config.json.
Result<Hooks> parse_hooks(const json::Node& node);
// The same object again, with the kinds given: what a state file remembers.
std::string render_hooks(const Hooks& hooks, std::initializer_list<HookKind> kinds);

// Runs the hooks of this kind in the runtime's namespaces one after the other, in the bundle
// directory, with `state` (JSON) on standard input. The first that fails (exit status, signal,
// timeout, cannot be executed) ends it; the error names it and carries the end of its output.
Status run_hooks(const Hooks& hooks, HookKind kind, const std::string& bundle,
                 const std::string& state);
// For poststop: all of them run, failures are logged as warnings.
void run_hooks_to_the_end(const Hooks& hooks, HookKind kind, const std::string& bundle,
                          const std::string& state);

}  // namespace berth::runtime
