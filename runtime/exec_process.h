// What `exec` runs: the container's own process with the command line's changes. Pure.
#pragma once

#include "base/result.h"
#include "runtime/spec.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace berth::runtime {

struct ProcessChanges {
  std::vector<std::string> args;
  std::string cwd;               // "" keeps the container's
  std::vector<std::string> env;  // after the container's own; the last of a name counts
  std::string user;              // "UID" or "UID:GID", numbers; "" keeps the container's
  std::vector<std::string> additional_gids;
  std::vector<std::string> capabilities;  // added: "CAP_NET_ADMIN"
  std::optional<bool> no_new_privileges;
  bool terminal = false;
  std::string apparmor_profile;  // "" keeps the container's
  std::string selinux_label;     // "" keeps the container's
};

// kInvalid names the option that is wrong.
Result<ProcessSpec> change_process(ProcessSpec process, const ProcessChanges& changes);

// --cgroup: the group for each v1 controller, or for "" (all) where no controller is named.
struct SubCgroup {
  std::string controller;
  std::string path;  // below the container's group
};
// From "PATH" or "CONTROLLER[,CONTROLLER...]:PATH".
Result<std::vector<SubCgroup>> parse_sub_cgroups(const std::vector<std::string>& texts);

}  // namespace berth::runtime
