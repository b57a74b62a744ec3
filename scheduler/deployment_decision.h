// Deployments of a service: how one begins, and what is decided about those there are.
#pragma once

#include "scheduler/service_turn.h"

#include <set>
#include <string>

namespace berth::scheduler {

// A deployment of `revision` becomes the PRIMARY. The service deployment that was under way is
// over; the answer is the one that begins.
struct NewDeployment {
  std::string revision;
  const std::set<std::string>& raised_alarms;
  WallTime now{};
};
ServiceDeployment begin_deployment(Service& service, const NewDeployment& wanted, Rng& rng);

// The one that was under way ends, because another one began or the service goes.
void supersede(ServiceDeployment& deployment, const std::string& reason, WallTime now);

void decide_deployments(ServiceTurn& turn);

}  // namespace berth::scheduler
