#include "runtime/features.h"

#include "runtime/hooks.h"
#include "runtime/mount_options.h"
#include "runtime/seccomp_profile.h"
#include "runtime/spec.h"
#include "sys/credentials.h"

#include <nlohmann/json.hpp>

namespace berth::runtime {
namespace {

using Json = nlohmann::ordered_json;

Json capabilities() {
  Json names = Json::array();
  for (int number = 0; number < sys::kCapabilityCount; ++number) {
    names.push_back(sys::capability_name(number));
  }
  return names;
}

Json options() {
  Json names = Json::array();
  for (const MountOption& option : mount_options()) names.push_back(option.name);
  return names;
}

Json seccomp() {
  SeccompNames names = seccomp_names();
  return {{"enabled", true},
          {"actions", names.actions},
          {"operators", names.operators},
          {"archs", names.architectures},
          {"knownFlags", names.flags},
          {"supportedFlags", names.flags}};
}

}  // namespace

std::string render_features() {
  Json linux_features{
      {"namespaces", namespace_types()},
      {"capabilities", capabilities()},
      {"cgroup",
       {{"v1", true}, {"v2", true}, {"systemd", false}, {"systemdUser", false}, {"rdma", true}}},
      {"seccomp", seccomp()},
      {"apparmor", {{"enabled", true}}},
      {"selinux", {{"enabled", true}}},
      {"intelRdt", {{"enabled", false}}},
      {"memoryPolicy", {{"modes", memory_policy_modes()}, {"flags", memory_policy_flags()}}},
      {"mountExtensions", {{"idmap", {{"enabled", true}}}}},
      {"netDevices", {{"enabled", true}}}};
  Json features{{"ociVersionMin", "1.0.0"},
                {"ociVersionMax", "1.3.0"},
                {"hooks", kHookNames},
                {"mountOptions", options()},
                {"linux", std::move(linux_features)},
                {"potentiallyUnsafeConfigAnnotations", {"berth.parent-death-signal"}}};
  return features.dump(2) + "\n";
}

}  // namespace berth::runtime
