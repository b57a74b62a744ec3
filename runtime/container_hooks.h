// Hooks that run inside of the container's namespaces (createContainer, startContainer): prepared
// by the parent, run by the init, which may not allocate.
#pragma once

#include "runtime/hooks.h"
#include "runtime/spec.h"
#include "runtime/state.h"

#include <string>
#include <vector>

namespace berth::runtime {

struct ContainerHook {
  const Hook* hook = nullptr;
  std::string name;  // "hooks.startContainer[0] /bin/x", for a failure
  std::vector<char*> argv;
  std::vector<char*> envp;
};

struct ContainerHooks {
  std::vector<ContainerHook> list;
  // The state without its pid, which only the init knows as the container sees it:
  // {"ociVersion":...,"pid":  and the init appends NUMBER}.
  std::string state_head;
};

// `hooks` is borrowed; `state`, which hooks are told, has no pid yet.
ContainerHooks prepare_container_hooks(const Hooks& hooks, HookKind kind, const State& state,
                                       ContainerStatus status);

// Child: one after the other; dies at the first that fails. With `rights` the hook, a program of
// the container, has the user and the capabilities that the container's own program will have;
// without, a program of the host, those of the init.
void run_container_hooks(const ContainerHooks& hooks, const ProcessSpec* rights);

}  // namespace berth::runtime
