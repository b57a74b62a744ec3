// The volumes of a task definition as values, with ECS's names.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace berth::scheduler {

enum class VolumeScope {
  kTask,    // lives as long as the task
  kShared,  // has a name, and stays
};
const char* name_of(VolumeScope scope);  // the word of the JSON

// Options of Docker's driver `local`: "type", "o" and "device", which mount(8) would take.
using DriverOpts = std::map<std::string, std::string>;

// dockerVolumeConfiguration; the driver is `local`.
struct DockerVolume {
  VolumeScope scope = VolumeScope::kTask;
  std::optional<bool> autoprovision{};  // of a shared one: made if there is none
  std::string driver{};                 // as written; "" is local
  DriverOpts driver_opts{};
  std::map<std::string, std::string> labels{};
  bool operator==(const DockerVolume&) const = default;
};

// efsVolumeConfiguration.
struct EfsVolume {
  std::string file_system_id{};
  std::string root_directory{};  // "" is /
  bool transit_encryption = false;
  std::optional<uint32_t> transit_encryption_port{};
  std::string access_point_id{};
  bool iam = false;
  bool operator==(const EfsVolume&) const = default;
};

// volumeConfigurations[].managedEBSVolume: of a volume with configuredAtLaunch.
struct ManagedVolume {
  std::string name{};  // of the volume in the task definition
  uint32_t size_gib = 0;
  std::string file_system{};  // "xfs", "ext4", "ext3"
  std::string role_arn{};
  bool delete_on_termination = true;
  std::map<std::string, std::string> tags{};
  bool operator==(const ManagedVolume&) const = default;
};

// Of one volume; with none of them it is an empty directory that lives as long as the task.
struct Volume {
  std::string name{};
  std::string source_path{};  // a host path
  std::optional<DockerVolume> docker{};
  std::optional<EfsVolume> efs{};
  bool configured_at_launch = false;
  std::optional<ManagedVolume> managed{};  // of one that is, once it has been configured
  bool operator==(const Volume&) const = default;
};

// What is wrong with a volume, and where: "dockerVolumeConfiguration.driverOpts.o".
struct VolumeFault {
  std::string field;
  std::string message;
  bool refused_by_berth = false;  // AWS would take it
};

// The rules of one volume but for its name, with AWS's texts.
std::vector<VolumeFault> faults_of(const Volume& volume, bool fargate);

// Docker's rules for the options of the driver `local`; the field is the option's name, "" for one
// that it does not have.
std::vector<VolumeFault> faults_of(const DriverOpts& options);

// Letters, digits, '_' and '-'.
bool is_volume_name(std::string_view text);

}  // namespace berth::scheduler
