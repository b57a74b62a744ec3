// The commands for named volumes: what `docker volume` does there. They return the exit code.
#pragma once

#include "agent/config.h"

#include <string>
#include <vector>

namespace berth::tools {

struct CreateVolumeOptions {
  std::string name;
  std::vector<std::string> driver_opts;  // "type=nfs"
  std::vector<std::string> labels;       // "team=web", or a name alone
};
// Prints the name.
int create_volume_command(const agent::Config& config, const CreateVolumeOptions& options);

struct ListVolumesOptions {
  bool quiet = false;  // names only
  bool json = false;
};
int list_volumes_command(const agent::Config& config, const ListVolumesOptions& options);

// An array with an object for each, all known or none.
int inspect_volumes_command(const agent::Config& config, const std::vector<std::string>& names);
int remove_volumes_command(const agent::Config& config, const std::vector<std::string>& names);
// Those that no task has.
int prune_volumes_command(const agent::Config& config);

}  // namespace berth::tools
