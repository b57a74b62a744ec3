// Where an instance keeps things on disk.
//
//   <root>/                            durable
//     blobs/ layers/ images/ tmp/      the image store (image/store.h)
//     leases/                          addresses, ports, id ranges (netns/ipam.h)
//     tasks/<task-id>/events.jsonl     what happened to the task (agent/event_log.h)
//     tasks/<task-id>/logs/<c>.log     what containers print, json-file format
//     tasks/<task-id>/<c>/upper work   writable layer of a container
//     tasks/<task-id>/volumes/<v>/     volumes that live as long as the task
//     tasks/<task-id>/volumes/<v>.xfs  (or .ext4, .ext3) one that is configured at launch, a file
//                                      system in a file, unless it is to be kept
//     tasks/<task-id>/ephemeral.img    with ephemeralStorage: a file system of that size, which the
//                                      shim mounts on ephemeral/; then the writable layers are in
//                                      ephemeral/containers/<c>/ and those volumes in
//                                      ephemeral/volumes/<v>/
//     volumes/<v>/                     named volumes (agent/volume_store.h)
//     daemon/                          of berthd, for root alone: key.json, state.db
//                                      (scheduler/sqlite_store.h), lock
//     stopped/<task-id>/               what stays of a detached task for an hour: info.json, logs/,
//                                      events.jsonl, <c>.exit.json
//   <run>/                             gone with a reboot
//     tasks/<task-id>.lock             held by the berth process that owns the task
//     tasks/<task-id>/                 task directory (runtime/task_plan.h), and info.json, what
//                                      people ask about it (agent/task_info.h), host-faults
//                                      (agent/host_faults.h), told-to-start (agent/recovery.h)
//     names/<name>/<task-id>-<n>       under which names tasks are found (resolver/names.h)
//     oci/                             state of the OCI runtime, and its seccomp cache
//     berthd.lock                      held by the berthd that serves this instance
//     berthd.json                      where it listens (agent/daemon_info.h)
//     berth.sock                       its API for root, without signatures
#pragma once

#include "agent/config.h"
#include "runtime/task_plan.h"

#include <string>
#include <string_view>

namespace berth::agent {

inline constexpr std::string_view kLockSuffix = ".lock";
inline constexpr const char* kEventsFile = "events.jsonl";

struct InstancePaths {
  std::string root;
  std::string run;

  std::string tasks() const { return run + "/tasks"; }
  std::string names() const { return run + "/names"; }
  std::string oci() const { return run + "/oci"; }
  std::string task_lock(const std::string& id) const {
    return tasks() + "/" + id + std::string(kLockSuffix);
  }
  runtime::TaskPaths task(const std::string& id) const { return {tasks() + "/" + id}; }

  std::string durable_tasks() const { return root + "/tasks"; }
  std::string durable(const std::string& id) const { return durable_tasks() + "/" + id; }
  std::string logs(const std::string& id) const { return durable(id) + "/logs"; }
  std::string events(const std::string& id) const { return durable(id) + "/" + kEventsFile; }
  std::string daemon() const { return root + "/daemon"; }
  std::string root_key() const { return daemon() + "/key.json"; }
  std::string state() const { return daemon() + "/state.db"; }
  std::string daemon_root_lock() const { return daemon() + "/lock"; }
  std::string daemon_run_lock() const { return run + "/berthd.lock"; }
  std::string daemon_info() const { return run + "/berthd.json"; }
  std::string daemon_socket() const { return run + "/berth.sock"; }
  std::string stopped_tasks() const { return root + "/stopped"; }
  std::string stopped(const std::string& id) const { return stopped_tasks() + "/" + id; }
  std::string volume(const std::string& id, const std::string& name) const {
    return durable(id) + "/volumes/" + name;
  }
};

inline std::string info_path(const runtime::TaskPaths& directory) {
  return directory.directory + "/info.json";
}

// There once the shim may have been told to start the containers: a task that has it is not to be
// begun anew.
inline std::string told_to_start_path(const runtime::TaskPaths& directory) {
  return directory.directory + "/told-to-start";
}

inline InstancePaths paths_of(const Config& config) {
  return {config.root, config.run};
}

// "/berth/<instance>", the parent of all its tasks' cgroups.
inline std::string cgroup_of(const std::string& instance) {
  return "/berth/" + instance;
}

}  // namespace berth::agent
