// The names of a task, docs/dns.md:
//
//   <family>.<domain>                           each of its tasks that run
//   <task id>.<family>.<domain>                 one of them, as Cloud Map names an instance
//   <container>.<family>.<domain>               where a container is: in bridge mode an own address
//   ip-172-29-0-5.<region>.compute.internal     the host name of an address, and from there
//   5.0.29.172.in-addr.arpa                     back
//
// In bridge mode the task is where its first essential container is that has an address. What would
// be no name (a label of more than 63 characters) is left out. Pure.
#pragma once

#include "netns/plan.h"
#include "runtime/task_plan.h"
#include "scheduler/model.h"

#include <string>
#include <vector>

namespace berth::agent {

struct TaskNameFacts {
  const scheduler::Task& task;
  const std::vector<netns::Endpoint>& networks;  // those that have an address
  std::string domain;
  std::string region;
};
std::vector<runtime::NamePlan> names_of_task(const TaskNameFacts& facts);

}  // namespace berth::agent
