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
constexpr const char* kDocker = "dockerVolumeConfiguration";

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
  if (volume.docker && !volume.source_path.empty()) {
    faults.push_back(
        {kDocker, "a volume has one configuration: host or dockerVolumeConfiguration"});
  }
  return faults;
}

}  // namespace berth::scheduler
