// What workers do for a task, one function a stage: values in, an answer out. They block; they
// never touch the agent's state.
#pragma once

#include "agent/config.h"
#include "agent/container_environment.h"
#include "agent/placed_volumes.h"
#include "agent/span.h"
#include "agent/task_files.h"
#include "agent/task_network.h"
#include "agent/teardown.h"
#include "base/result.h"
#include "image/puller.h"
#include "scheduler/messages.h"
#include "sys/fd.h"
#include "sys/file.h"
#include "sys/spawn.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace berth::agent {

// What a job made, or why the task does not start; and how long that took.
template <class Made>
struct Answer {
  tl::expected<Made, scheduler::StartFailed> made;
  std::vector<Span> spans;
};

scheduler::StartFailed start_failure(const std::string& task_id, scheduler::StartStage stage,
                                     const std::string& error_name, const Error& error);

struct Leased {
  netns::Lease lease;
  // Held by the owner of the task: while it is, no sweep touches what the task has. Nothing when
  // the owner had it already.
  std::optional<sys::FileLock> lock;
};
struct LeaseOptions {
  bool user_ids = true;
  bool is_locked = false;  // by us
  std::vector<std::string> security_groups{};
};
// Directories, addresses, host ports and ids of the task.
Answer<Leased> lease_job(const Config& config, Env env, const scheduler::Task& task,
                         const LeaseOptions& options);

// Volumes, made or pinned.
Answer<PlacedVolumes> volumes_job(const Config& config, Env env, const scheduler::Task& task,
                                  const netns::Lease& lease);

// What containers get by environmentFiles and secrets.
Answer<ContainerEnvironments> fetch_job(const Config& config, Env env, const scheduler::Task& task);

struct Pulled {
  std::map<std::string, image::Image> images;  // by pull_key_of their containers
  scheduler::ImagesPulled event;
};
struct PullRequest {
  Config config;
  scheduler::Task task;
  image::ProgressSink progress;
  image::Cancel* cancel = nullptr;                          // borrowed
  std::map<std::string, image::Credentials> credentials{};  // by container; of its own
};
// What makes the pulls of two containers one: the image as written, its digest where that is
// pinned, and with what it is asked for.
std::string pull_key_of(const scheduler::Task& task,
                        const scheduler::ContainerDefinition& container);
// Every image of the task, each once.
Answer<Pulled> pull_job(const PullRequest& request, Env env);

struct Spawned {
  sys::Process shim;
  sys::Fd connection;             // non-blocking
  std::vector<sys::Fd> layers{};  // agent/layer_devices.h
};
// Bundles and task.json, then berth-shim on them.
Answer<Spawned> spawn_job(TaskFilesRequest request, Env env);

struct Done {};
// Bridge and firewall: needs the lease only.
Answer<Done> host_side_job(const Config& config, Env env, const std::string& task_id,
                           const netns::Lease& lease);
// Both ends of the namespaces that the shim made.
Answer<Done> task_side_job(const Config& config, Env env, const std::string& task_id,
                           const netns::Lease& lease, std::vector<MadeNetwork> networks);

// What a start that did not come to its end has made, for another try: all but the lock of the task
// and the record of what happened to it.
Answer<Done> undo_start_job(const Config& config, Env env, const std::string& task_id,
                            const sys::Process& shim);

struct Released {
  std::vector<Span> spans;
  Remains remains = Remains::kNothing;
};
// Waits for the shim's end, then gives back all that the task had. A failure is logged: the next
// start of berth sweeps what stays.
Released release_job(const Config& config, Env env, const std::string& task_id,
                     const sys::Process& shim, NetworkEnd network_end);

// Sweeps the instance now. A failure is logged.
Done sweep_job(const Config& config);

}  // namespace berth::agent
