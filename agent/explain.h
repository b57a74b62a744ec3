// A task as the steps that make it, with the fields of the task definition that ask for each: from
// the same task.json, config.json and network plan that berth-shim and berth-oci carry out.
#pragma once

#include "agent/config.h"
#include "agent/task_table.h"
#include "base/env.h"
#include "base/result.h"
#include "base/step.h"
#include "image/puller.h"
#include "netns/plan.h"
#include "runtime/spec.h"
#include "runtime/task_plan.h"
#include "scheduler/task_definition.h"

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace berth::agent {

// All that is going to be carried out, or was.
struct Blueprint {
  runtime::TaskPlan plan;
  std::map<std::string, runtime::Spec> specs;  // of config.json, by container
  netns::BridgePlan bridge;
  std::vector<netns::Endpoint> endpoints;
};

// What `berth run` would do with a definition: everything is decided and written as for a start, in
// a directory that is gone afterwards. Addresses and ids are those of a first task. Errors: as
// those of a start.
Result<Blueprint> rehearse(const Config& config, Env env,
                           const scheduler::TaskDefinition& definition,
                           std::map<std::string, image::Image>& images, bool user_ids);

// What was done for a task that runs. kUnavailable when it has no plan: it has not started, or is
// over.
Result<Blueprint> blueprint_of(const Config& config, const ListedTask& task);

struct Chapter {
  std::string process;    // who takes the steps: "berth", "berth-shim", "berth-oci", "init"
  std::string container;  // "" for those of the task
  std::vector<Step> steps;
};
// In the order of the start.
Result<std::vector<Chapter>> explain(const Blueprint& blueprint);

// The fields of the task definition that a step comes from: "mountPoints" of the container,
// "/pidMode" of the task. None for what every task has.
std::vector<std::string> fields_of(const Step& step);

// Whether it can be seen now. `pid`: the container's first process, or any process of the task.
bool is_seen(const Look& look, pid_t pid);

}  // namespace berth::agent
