// Decides what a container shall be: task definition + image + where berth put things. Pure.
#pragma once

#include "agent/accounts.h"
#include "agent/container_environment.h"
#include "agent/endpoint_document.h"
#include "agent/oci_config.h"
#include "agent/placed_volumes.h"
#include "base/result.h"
#include "image/manifest.h"
#include "scheduler/task_definition.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace berth::agent {

// Where berth put the parts of a task on this host.
struct TaskPlace {
  std::string cgroup;          // "/berth/<instance>/<task-id>"
  std::optional<IdRange> ids;  // nothing: ids are the host's
  std::string user_namespace;  // path; "" is the host's
  std::map<std::string, PlacedVolume> volumes;
  std::string pid_namespace;     // path of what pidMode task shares
  std::string ipc_namespace;     // path of what ipcMode task shares
  std::string shared_memory;     // the directory that is /dev/shm with ipcMode task
  bool host_has_mqueue = false;  // mounted at /dev/mqueue
};

// The same for one container.
struct ContainerPlace {
  std::string rootfs;             // where the shim mounts its overlay
  std::string network_namespace;  // path; "" is the host's
  std::string hostname;
  std::string hosts_file;        // seen as /etc/hosts
  std::string resolv_conf_file;  // seen as /etc/resolv.conf
  std::string hostname_file;     // seen as /etc/hostname
  std::string init_program;      // on the host; for initProcessEnabled
  std::vector<Device> devices;   // those of linuxParameters, looked up on the host
  EndpointVariables endpoint;
  ContainerEnvironment environment;          // what was fetched
  std::vector<std::string> log_variables{};  // "K=V", of FireLens; they replace others
  // Of a log router: seen beneath what the container mounts itself, and over it.
  std::vector<BindMount> router_places{};
  std::vector<BindMount> router_files{};
};

// Docker's rule: an entryPoint hides the image's Entrypoint and Cmd; a command hides the image's
// Cmd. kInvalid "No command specified" when nothing is left.
Result<std::vector<std::string>> args_of(const scheduler::ContainerDefinition& container,
                                         const image::ImageConfig& image);

// Low to high: image ENV, environment files, `environment`, secrets; PATH, HOSTNAME and HOME are
// set where none has them, and TERM for a terminal.
std::vector<std::string> env_of(const scheduler::ContainerDefinition& container,
                                const image::ImageConfig& image,
                                const ContainerEnvironment& fetched, const Account& account,
                                const std::string& hostname);

// The number of a signal written "SIGTERM", "TERM", "RTMIN+3" or "15"; SIGTERM for "". kInvalid
// otherwise.
Result<int> parse_signal(std::string_view text);

// Errors: kInvalid for what only the image can tell (no command), and a privileged container in a
// user namespace.
Result<ContainerSettings> decide_settings(const scheduler::TaskDefinition& task,
                                          const scheduler::ContainerDefinition& container,
                                          const image::ImageConfig& image, const Account& account,
                                          const TaskPlace& task_place, const ContainerPlace& place);

}  // namespace berth::agent
