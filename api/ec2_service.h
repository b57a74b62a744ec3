// Ec2Service: what of Amazon EC2 is about the network of tasks: the VPC, its subnets, security
// groups and their rules, and the network interfaces of tasks. ec2_operations.h lists the
// operations.
//
// Groups are files (netns/group_store.h), which other programs of the instance read, too. A change
// is on the disk and in the firewall when it is answered, for tasks that run as well.
#pragma once

#include "api/authentication.h"
#include "api/service.h"
#include "base/env.h"
#include "netns/group_store.h"
#include "netns/plan.h"
#include "netns/vpc.h"

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace berth::api {

// The network interface of a task, in awsvpc mode.
struct TaskInterface {
  std::string id;  // "eni-0123456789abcdef0"
  std::string attachment_id;
  std::string description;  // whose it is
  std::string subnet;
  std::string address;
  std::string mac;
  std::string address6{};             // "": none
  std::vector<std::string> groups{};  // ids or names, as the task was asked for; none: the default
  WallTime attached_at{};
};

struct Ec2Settings {
  Host host;
  std::string root;  // of the instance
  netns::BridgePlan bridge;
  netns::Vpc vpc;
  // Those that there are now, on the loop's thread.
  std::function<std::vector<TaskInterface>()> interfaces{};
};

class Ec2Service final : public Service {
 public:
  Ec2Service(Ec2Settings settings, Env env)
      : settings_(std::move(settings)), groups_(settings_.root), env_(env) {}

  Answer answer(const Call& call) override;
  // Rules are a run of nft; interfaces are the scheduler's, and so the loop's.
  bool is_slow(const Call& call) const override;

  // The rules of all groups for the tasks that run: a predecessor may have died between a group's
  // file and its rules.
  Status restore() const;

 private:
  Ec2Settings settings_;
  netns::GroupStore groups_;
  Env env_;
};

}  // namespace berth::api
