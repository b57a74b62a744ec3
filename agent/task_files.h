// Writes what a shim needs to run a task: OCI bundles, the files that containers see as hosts,
// resolv.conf and hostname, endpoint.json, task.json. Runs on a worker.
#pragma once

#include "agent/config.h"
#include "agent/container_environment.h"
#include "agent/endpoint_document.h"
#include "agent/placed_volumes.h"
#include "base/result.h"
#include "image/puller.h"
#include "netns/ipam.h"
#include "runtime/task_plan.h"
#include "scheduler/model.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace berth::agent {

struct TaskFilesRequest {
  Config config;
  scheduler::Task task;
  netns::Lease lease;
  std::map<std::string, image::Image*> images;  // container name -> image; borrowed
  bool foreground = false;
  const PlacedVolumes* volumes = nullptr;  // borrowed
  WallTime pull_started_at{};
  WallTime pull_stopped_at{};
  std::vector<std::string> endpoint_command;
  EndpointIds endpoint_ids;
  ContainerEnvironments environments;
};

// An error that is about one container, in ECS's words.
struct ContainerError {
  std::string container;
  Error error;
};

// Writes everything; the last file is task.json. On error nothing is undone: the task directory
// goes as a whole.
tl::expected<runtime::TaskPlan, ContainerError> write_task_files(const TaskFilesRequest& request);

}  // namespace berth::agent
