// The last stage of an init and of an exec alike: from a process inside of the container to the
// program. Prepared by the parent, done by the child without allocation.
#pragma once

#include "runtime/seccomp_profile.h"
#include "runtime/security_label.h"
#include "runtime/spec.h"

#include <sched.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace berth::runtime {

struct Program {
  const ProcessSpec* process = nullptr;
  const SeccompProgram* seccomp = nullptr;  // absent: no filter
  SecurityLabel label;
  int preserve_fds = 0;  // descriptors 3 .. 2 + n stay open
  bool die_with_parent = false;
  std::optional<uint64_t> personality;  // for personality(2)
  const MemoryPolicy* memory_policy = nullptr;
  const cpu_set_t* cpus = nullptr;       // absent: those of the parent and the cgroup
  int supervisor = -1;                   // hangs up when our parent of then has gone; -1 for none
  bool make_cwd = true;                  // a missing working directory is made
  std::vector<std::string> executables;  // candidates for args[0], in order
  std::vector<std::string> environment;
  std::vector<char*> argv;  // into *process
  std::vector<char*> envp;  // into environment
};

// By args[0] and the PATH of the process.
std::vector<std::string> executables_of(const ProcessSpec& process);

// With HOME by the container's own /etc/passwd, where env does not tell; `root` is the container's
// root directory. The rest is left to the caller.
Program prepare_program(const ProcessSpec& process, int root);

// Child: signals as a program expects them, a session and a keyring of its own, and no look into
// this process by anyone who shares its pid namespace: its executable and memory are still the
// host's.
enum class Keyring { kNew, kInherited };
void become_blank(Keyring keyring);

// Child, in a user namespace: its uid 0 and gid 0, no further groups.
void become_root_of_user_namespace();

// Child: bounding set, groups, ids, umask and capabilities of the process.
void become_user(const ProcessSpec& process);

// Child, in the container's root: says what execve(2) would say, while nothing depends on it yet,
// when there is no such program. A path that is relative to the working directory is left to it.
void check_program(const Program& program);

// Child: everything from the working directory to execve(2), in the container's root.
[[noreturn]] void become_program(const Program& program);

}  // namespace berth::runtime
