#include "runtime/explain_parts.h"

#include <fmt/format.h>

#include <array>

namespace berth::runtime {
namespace {

struct Purpose {
  std::string_view file;
  std::string_view text;
};
constexpr std::array<Purpose, 13> kPurposes{{
    {"cpu.cfs_period_us", "what the quota is of"},
    {"memory.max", "beyond it the kernel reclaims and then kills: OutOfMemoryError, exit code 137"},
    {"memory.limit_in_bytes",
     "beyond it the kernel reclaims and then kills: OutOfMemoryError, exit code 137"},
    {"memory.swap.max", "a limit on memory that swap cannot get round"},
    {"memory.memsw.limit_in_bytes", "a limit on memory that swap cannot get round"},
    {"memory.low", "memory that is left to it while others can give"},
    {"memory.soft_limit_in_bytes", "memory that is left to it while others can give"},
    {"pids.max", "a fork bomb ends at EAGAIN instead of at the host's last pid"},
    {"cpu.weight", "its share when the processors are all busy; idle time is anybody's"},
    {"cpu.shares", "its share when the processors are all busy; idle time is anybody's"},
    {"cpu.max", "the most processor time of each 100 ms, however idle the host is"},
    {"cpu.cfs_quota_us", "the most processor time of each 100 ms, however idle the host is"},
    {"memory.swappiness", "how readily its memory is swapped out"},
}};

std::string purpose_of(std::string_view file) {
  for (const Purpose& purpose : kPurposes) {
    if (purpose.file == file) return std::string(purpose.text);
  }
  return "a limit of the kernel's";
}

Step limit_step(const sys::CgroupDir& group, const sys::CgroupSetting& setting,
                std::string_view prefix) {
  std::string file = group.directory(setting.controller) + "/" + setting.file;
  Step step;
  step.stage = "cgroup";
  step.effect = fmt::format("{} = {}", setting.file, setting.value);
  step.calls = {fmt::format("write \"{}\" to {}", setting.value, file)};
  step.purpose = purpose_of(setting.file);
  step.by_hand = fmt::format("echo {} > {}", setting.value, file);
  step.asked_by = fmt::format("{}{}", prefix, setting.field);
  step.looks = {{.file = file, .words = words_of(setting.value)}};
  return step;
}

}  // namespace

std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words;
  for (std::string& word : split(line, ' ')) {
    if (!word.empty()) words.push_back(std::move(word));
  }
  return words;
}

Step group_step(const sys::Cgroups& cgroups, const std::string& path) {
  sys::CgroupDir group = cgroups.at(path);
  Step step;
  step.stage = "cgroup";
  step.effect = fmt::format("control group {}", path);
  std::vector<std::string> directories;
  if (cgroups.is_unified()) directories.push_back(group.directory("memory"));
  for (const sys::Cgroups::Controller& controller : cgroups.controllers()) {
    if (sys::enters_always(controller.name))
      directories.push_back(group.directory(controller.name));
  }
  step.calls = {"mkdir " + join(directories, " ")};
  step.by_hand = "mkdir -p " + join(directories, " ");
  step.asked_by = "cgroup";
  return step;
}

void add_limit_steps(const sys::Cgroups& cgroups, const std::string& path,
                     const sys::CgroupLimits& limits, std::string_view prefix,
                     std::vector<Step>& steps) {
  // What this kernel cannot honour was refused before there was a plan.
  auto settings = cgroups.is_unified() ? sys::settings_v2(limits) : sys::settings_v1(limits);
  if (!settings) return;
  sys::CgroupDir group = cgroups.at(path);
  for (const sys::CgroupSetting& setting : *settings) {
    steps.push_back(limit_step(group, setting, prefix));
  }
}

}  // namespace berth::runtime
