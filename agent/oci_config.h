// From what a container shall be to the config.json of its OCI bundle. Pure: the same settings give
// the same text, so a test can compare and a person can read it.
#pragma once

#include "agent/accounts.h"
#include "base/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace berth::agent {

// A host file or directory seen inside the container.
struct BindMount {
  std::string source;
  std::string target;
  bool read_only = false;
  // Through an idmapped mount: root in the container owns what root on the host owns. Files that
  // berth made for the container (hosts, resolv.conf) are owned by the right id already.
  bool id_mapped = false;
};

struct Tmpfs {
  std::string target;
  uint64_t size_bytes = 0;
  std::vector<std::string> options;  // mount(8) words
};

struct Device {
  std::string host_path;
  std::string container_path;
  std::string access = "rwm";
  // What stat(2) said of host_path.
  char type = 'c';  // 'c' or 'b'
  int64_t major = 0;
  int64_t minor = 0;
};

struct ResourceLimit {
  std::string name;  // "nofile"
  uint64_t soft = 0;
  uint64_t hard = 0;
};

// The ids of a task on the host: container id n is host id first + n.
struct IdRange {
  uint32_t first = 0;
  uint32_t size = 0;
};

constexpr uint64_t kSharedMemoryBytes = 64 * 1024 * 1024;  // Docker's default

// Whose namespace of a kind a container is in.
struct NamespaceChoice {
  enum class Owner { kContainer, kTask, kHost };
  Owner owner = Owner::kContainer;
  std::string path{};  // of kTask
};

struct ContainerSettings {
  std::vector<std::string> args;
  std::vector<std::string> env;  // "K=V"
  std::string cwd = "/";
  Account account;
  std::string hostname;
  std::string rootfs;  // directory that the shim mounts the overlay on
  bool read_only_rootfs = false;
  bool privileged = false;
  bool no_new_privileges = false;
  bool terminal = false;
  std::vector<std::string> add_capabilities;  // without CAP_; "ALL"
  std::vector<std::string> drop_capabilities;
  std::vector<ResourceLimit> limits;
  std::vector<Device> devices;
  std::vector<BindMount> binds;
  std::vector<Tmpfs> tmpfs;
  // A /dev/shm of its own; nothing: there is none, but among the binds.
  std::optional<uint64_t> shm_bytes = kSharedMemoryBytes;
  bool own_mqueue = true;  // a /dev/mqueue of its IPC namespace
  std::vector<std::pair<std::string, std::string>> sysctls;

  std::string cgroup;  // "/berth/<instance>/<task>/<container>"
  uint64_t cpu_shares = 2;
  std::optional<uint64_t> memory_bytes;
  std::optional<uint64_t> memory_reservation_bytes;
  std::optional<uint64_t> swap_bytes;  // beyond memory
  std::optional<uint64_t> swappiness;

  std::string user_namespace;     // path; "" is the host's
  std::optional<IdRange> ids;     // with user_namespace
  std::string network_namespace;  // path; "" is the host's
  NamespaceChoice pids;
  NamespaceChoice ipc;
  std::string seccomp;  // the profile as OCI JSON; "" for none
};

// Docker's 14 capabilities, "CAP_CHOWN" and so on, sorted.
const std::vector<std::string>& default_capabilities();

// The capabilities of a container: Docker's rule. privileged gives all; otherwise the default set
// plus `add` less `drop`; "ALL" in either. Errors: kInvalid for a name that does not exist.
Result<std::vector<std::string>> capabilities_of(bool privileged,
                                                 const std::vector<std::string>& add,
                                                 const std::vector<std::string>& drop);

// config.json, runtime-spec 1.1. Errors: those of capabilities_of and of a seccomp text that is not
// JSON.
Result<std::string> render_oci_config(const ContainerSettings& settings);

}  // namespace berth::agent
