// The life of a container as functions over a state root: what the command line berth-oci does.
//
//   create -> start -> (kill) -> delete
//
// Several processes may act on one container; every function may run twice.
#pragma once

#include "base/result.h"
#include "runtime/attend.h"
#include "runtime/state.h"

#include <optional>
#include <string>
#include <vector>

namespace berth::runtime {

struct CreateOptions {
  std::string root;  // state root: <root>/<id>/{state.json, init.sock}
  std::string id;
  std::string bundle;           // directory of config.json
  std::string pid_file;         // "" for none
  std::string console_socket;   // "" for none
  std::string pidfd_socket;     // "" for none
  std::string cache_dir;        // compiled seccomp programs; "" means <root>/.seccomp
  int preserve_fds = 0;         // descriptors 3 .. 2 + n stay open in the container
  int listen_fds = 0;           // so many more, before those, announced as sd_listen_fds(3) has it
  bool no_pivot = false;        // chroot(2) in the place of pivot_root(2)
  bool no_new_keyring = false;  // the session keyring is inherited
  bool keep = false;            // run in the foreground: the stopped container is not deleted
  // Borrowed; -1 for none. When its other end closes, who would start the container has gone, and
  // an init that still waits for that ends.
  int supervisor = -1;
};

// Makes the container up to, and without, its program. On error nothing is left.
Status create(const CreateOptions& options);
// Executes the program. An exec that fails is the error returned.
Status start(const std::string& root, const std::string& id);

// create and start in one go. In the foreground: waits, forwards signals, deletes, and returns the
// exit status as a shell reports it; detached: returns 0.
Result<int> run(const CreateOptions& options, RunMode mode);

// The state with its status brought up to date. kNotFound when there is no such container.
Result<State> state(const std::string& root, const std::string& id);
// Its processes, by its cgroup, as our pid namespace numbers them.
Result<std::vector<pid_t>> processes(const std::string& root, const std::string& id);
// Every container under the root.
Result<std::vector<State>> list(const std::string& root);

enum class KillTarget { kInit, kAllProcesses };
Status kill(const std::string& root, const std::string& id, int signal, KillTarget target);

enum class DeleteMode { kStoppedOnly, kForce };
// Removes cgroup and state. Forced: kills first, and a missing container is success.
Status remove(const std::string& root, const std::string& id, DeleteMode mode);

}  // namespace berth::runtime
