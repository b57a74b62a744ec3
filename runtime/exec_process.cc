#include "runtime/exec_process.h"

#include "base/text.h"

#include <algorithm>
#include <limits>

namespace berth::runtime {
namespace {

Result<uint32_t> parse_id(const std::string& text, const char* option) {
  auto number = parse_u64(text);
  if (number && *number <= std::numeric_limits<int32_t>::max()) {
    return static_cast<uint32_t>(*number);
  }
  return fail(Errc::kInvalid, "{}: {} is not a number of a user or group", option,
              printable(text, 32));
}

Status change_user(const ProcessChanges& changes, User& user) {
  for (const std::string& gid : changes.additional_gids) {
    user.additional_gids.push_back(TRY(parse_id(gid, "--additional-gids")));
  }
  if (changes.user.empty()) return {};
  size_t colon = changes.user.find(':');
  user.uid = TRY(parse_id(changes.user.substr(0, colon), "--user"));
  if (colon != std::string::npos) {
    user.gid = TRY(parse_id(changes.user.substr(colon + 1), "--user"));
  }
  return {};
}

// As runc: ambient capabilities need inheritable ones, which --cap does not give.
Status add_capabilities(const std::vector<std::string>& names, sys::Capabilities& sets) {
  for (const std::string& name : names) {
    auto number = sys::capability_number(name);
    if (!number) return fail(Errc::kInvalid, "--cap: unknown capability {}", printable(name, 64));
    sys::CapabilitySet bit = sys::CapabilitySet{1} << *number;
    sets.bounding |= bit;
    sets.effective |= bit;
    sets.permitted |= bit;
    if ((sets.inheritable & bit) != 0) sets.ambient |= bit;
  }
  return {};
}

// Below the container's group and nowhere else.
Status check_sub_path(const std::string& path) {
  for (const std::string& name : split(path, '/')) {
    if (name == "..") return fail(Errc::kInvalid, "--cgroup: {} leads out", printable(path, 128));
  }
  return {};
}

}  // namespace

Result<ProcessSpec> change_process(ProcessSpec process, const ProcessChanges& changes) {
  if (changes.args.empty()) return fail(Errc::kInvalid, "exec: needs a program");
  process.args = changes.args;
  if (!changes.cwd.empty()) {
    if (changes.cwd[0] != '/') return fail(Errc::kInvalid, "--cwd: must be an absolute path");
    process.cwd = changes.cwd;
  }
  for (const std::string& entry : changes.env) {
    bool named = entry.find('=') != std::string::npos && entry[0] != '=';
    if (!named) return fail(Errc::kInvalid, "--env: {} is not NAME=VALUE", printable(entry, 64));
    process.env.push_back(entry);
  }
  process.terminal = changes.terminal;
  if (!changes.apparmor_profile.empty()) process.apparmor_profile = changes.apparmor_profile;
  if (!changes.selinux_label.empty()) process.selinux_label = changes.selinux_label;
  TRY(change_user(changes, process.user));
  TRY(add_capabilities(changes.capabilities, process.capabilities));
  if (changes.no_new_privileges) process.no_new_privileges = *changes.no_new_privileges;
  return process;
}

Result<std::vector<SubCgroup>> parse_sub_cgroups(const std::vector<std::string>& texts) {
  std::vector<SubCgroup> groups;
  for (const std::string& text : texts) {
    size_t colon = text.find(':');
    bool named = colon != std::string::npos;
    std::string path = named ? text.substr(colon + 1) : text;
    TRY(check_sub_path(path));
    if (!named && texts.size() > 1) {
      return fail(Errc::kInvalid, "--cgroup: {} lacks a controller", printable(text, 128));
    }
    for (const std::string& controller : split(named ? text.substr(0, colon) : "", ',')) {
      auto same = [&](const SubCgroup& other) { return other.controller == controller; };
      if ((named && controller.empty()) || std::any_of(groups.begin(), groups.end(), same)) {
        return fail(Errc::kInvalid, "--cgroup: {} names a controller twice or none",
                    printable(text, 128));
      }
      groups.push_back({controller, path});
    }
  }
  return groups;
}

}  // namespace berth::runtime
