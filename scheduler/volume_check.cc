// The rules of volumes. Those of the driver `local` are what Docker's daemon says when it makes the
// volume.
#include "base/text.h"
#include "scheduler/volume.h"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>

namespace berth::scheduler {
namespace {

constexpr size_t kVolumeNameMax = 255;
constexpr size_t kVolumeTextShown = 60;
constexpr size_t kEfsIdMin = 8;
constexpr size_t kEfsIdMax = 40;
constexpr const char* kDocker = "dockerVolumeConfiguration";
constexpr const char* kEfs = "efsVolumeConfiguration";
constexpr const char* kAtLaunch = "configuredAtLaunch";
constexpr const char* kOneConfiguration =
    "When the volume parameter is specified, only one volume configuration type should be used.";

bool has_option(const DriverOpts& options, const char* name) {
  return options.find(name) != options.end();
}

void check_host(const Volume& volume, bool fargate, std::vector<VolumeFault>& faults) {
  if (volume.source_path.empty()) return;
  if (volume.source_path[0] != '/') {
    faults.push_back({"host.sourcePath", "must be an absolute path"});
  }
  if (fargate) {
    faults.push_back(
        {"host.sourcePath", "Fargate compatible task definitions do not support sourcePath"});
  }
}

void check_docker(const DockerVolume& volume, bool fargate, std::vector<VolumeFault>& faults) {
  const std::string here = std::string(kDocker) + ".";
  if (fargate) {
    faults.push_back(
        {kDocker, "Fargate compatible task definitions do not support dockerVolumeConfiguration"});
  }
  if (volume.scope == VolumeScope::kTask && volume.autoprovision == false) {
    faults.push_back({here + "autoprovision",
                      "When 'scope' parameter is 'task', 'autoprovision' must either not be "
                      "specified or set to 'True'."});
  }
  // Registered by AWS, and refused by its agent when the task starts.
  if (volume.scope == VolumeScope::kTask && volume.autoprovision == true) {
    faults.push_back({here + "autoprovision",
                      "task scoped volume could not be autoprovisioned: leave it out, or set "
                      "scope to shared",
                      true});
  }
  if (!volume.driver.empty() && volume.driver != "local") {
    faults.push_back({here + "driver",
                      fmt::format("not supported: '{}'; berth knows the driver local",
                                  printable(volume.driver, kVolumeTextShown)),
                      true});
  }
  for (VolumeFault& fault : faults_of(volume.driver_opts)) {
    fault.field = here + "driverOpts" + (fault.field.empty() ? "" : ".") + fault.field;
    faults.push_back(std::move(fault));
  }
}

// "fs-" and 8 to 40 hexadecimal digits.
bool is_file_system_id(std::string_view text) {
  constexpr std::string_view kStart = "fs-";
  if (!text.starts_with(kStart)) return false;
  text.remove_prefix(kStart.size());
  return text.size() >= kEfsIdMin && text.size() <= kEfsIdMax &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

void check_efs(const EfsVolume& volume, std::vector<VolumeFault>& faults) {
  const std::string here = std::string(kEfs) + ".";
  if (!is_file_system_id(volume.file_system_id)) {
    faults.push_back(
        {here + "fileSystemId", fmt::format("'{}' is not fs- and 8 to 40 hexadecimal digits",
                                            printable(volume.file_system_id, kVolumeTextShown))});
  }
  bool is_whole = volume.root_directory.empty() || volume.root_directory == "/";
  if (!volume.access_point_id.empty() && !is_whole) {
    faults.push_back({here + "rootDirectory",
                      "When using an EFS access point, the root directory must either be set to "
                      "\"/\" or be omitted."});
  }
  if (volume.iam && !volume.transit_encryption) {
    faults.push_back({here + "authorizationConfig.iam",
                      "EFS IAM authorization requires TransitEncryption to be enabled."});
  }
  if (volume.transit_encryption_port && !volume.transit_encryption) {
    faults.push_back({here + "transitEncryptionPort",
                      "TransitEncryptionPort requires that TransitEncryption is enabled."});
  }
}

}  // namespace

const char* name_of(VolumeScope scope) {
  switch (scope) {
    case VolumeScope::kTask:
      return "task";
    case VolumeScope::kShared:
      return "shared";
  }
  return "";
}

bool is_volume_name(std::string_view text) {
  return !text.empty() && text.size() <= kVolumeNameMax &&
         std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return std::isalnum(c) || c == '_' || c == '-'; });
}

std::vector<VolumeFault> faults_of(const DriverOpts& options) {
  std::vector<VolumeFault> faults;
  for (const auto& [name, value] : options) {
    if (name == "type" || name == "o" || name == "device") continue;
    if (name == "size") {
      faults.push_back({name, "not supported: berth sets no quota on a volume", true});
    } else {
      faults.push_back({"",
                        fmt::format("invalid option: \"{}\"; the driver local has type, o and "
                                    "device",
                                    printable(name, kVolumeTextShown)),
                        true});
    }
  }
  bool mounts =
      has_option(options, "type") || has_option(options, "o") || has_option(options, "device");
  for (const char* name : {"type", "device"}) {
    if (!mounts || has_option(options, name)) continue;
    faults.push_back({name, fmt::format("missing required option: \"{}\"", name), true});
  }
  return faults;
}

std::vector<VolumeFault> faults_of(const Volume& volume, bool fargate) {
  std::vector<VolumeFault> faults;
  check_host(volume, fargate, faults);
  if (volume.docker) check_docker(*volume.docker, fargate, faults);
  if (volume.efs) check_efs(*volume.efs, faults);
  bool has_host = !volume.source_path.empty();
  if (volume.docker && (has_host || volume.efs)) {
    faults.push_back({kDocker, kOneConfiguration});
  } else if (volume.efs && has_host) {
    faults.push_back({kEfs, kOneConfiguration});
  }
  if (volume.configured_at_launch && (volume.docker || volume.efs || has_host)) {
    faults.push_back({kAtLaunch,
                      "a volume that is configured at launch has no host, "
                      "dockerVolumeConfiguration, efsVolumeConfiguration or "
                      "s3filesVolumeConfiguration"});
  }
  return faults;
}

}  // namespace berth::scheduler
