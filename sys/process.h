// Processes and namespaces: clone3, id maps, setns, unshare.
#pragma once

#include "base/result.h"
#include "sys/fd.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace berth::sys {

// One line of /proc/PID/uid_map.
struct IdMap {
  uint32_t inside = 0;
  uint32_t outside = 0;
  uint32_t size = 0;
  bool operator==(const IdMap&) const = default;
};
struct IdMaps {
  std::vector<IdMap> uids;
  std::vector<IdMap> gids;
};
constexpr size_t kIdMapLinesMax = 340;  // the kernel's own limit

// "0 100000 65536\n": pure.
std::string render_id_map(const std::vector<IdMap>& map);
// Writes uid_map and gid_map of a process in a fresh user namespace. The caller needs CAP_SETUID
// and CAP_SETGID in the parent namespace.
Status write_id_maps(pid_t pid, const IdMaps& maps);
// Writes to /proc/PID/NAME, and to nothing that was mounted or linked in its place
// (CVE-2025-52881): kCorrupt when /proc is no procfs.
Status write_process_file(pid_t pid, const std::string& name, std::string_view bytes);

struct Clone {
  uint64_t flags = 0;  // CLONE_NEW*, CLONE_PARENT; CLONE_PIDFD is added
  int cgroup = -1;     // a v2 cgroup directory: the child is born in it (CLONE_INTO_CGROUP)
};
struct Cloned {
  pid_t pid = -1;  // 0 in the child
  Fd pidfd;        // empty in the child
};
// clone3(2), as fork(2): the child returns too. In the child only async-signal-safe calls may
// follow until execve(2) or _exit(2).
Result<Cloned> clone_process(const Clone& clone);
// The same without allocation and fault text, for children: -1 and errno, 0 in the child.
long raw_clone3(uint64_t flags, int cgroup, int exit_signal, int* pidfd);

// unshare(2), setns(2); `what` is for the error.
Status unshare(int flags, const std::string& what);
Status join_namespace(int fd, int clone_flag, const std::string& what);
// An O_RDONLY descriptor of /proc/PID/ns/NAME ("user", "net", ...).
Result<Fd> open_namespace(pid_t pid, const std::string& name);

// The network namespace that a socket was born in, socket(7) SIOCGSKNS.
Result<Fd> network_namespace_of(int socket);

// The CLONE_NEW* of a namespace descriptor, ioctl_ns(2) NS_GET_NSTYPE; an error for any other file.
Result<int> namespace_type(int fd);

// A user namespace with these maps, held only by the descriptor. A child is made for it and is gone
// on return.
Result<Fd> make_user_namespace(const IdMaps& maps);
// A namespace (CLONE_NEWNET, CLONE_NEWIPC, CLONE_NEWUTS, CLONE_NEWCGROUP) owned by the user
// namespace, held only by the descriptor.
Result<Fd> make_namespace_in(int user_namespace, int clone_flag);

// prctl(2) PR_SET_CHILD_SUBREAPER.
Status become_subreaper();

}  // namespace berth::sys
