#include "runtime/explain.h"

#include "runtime/sync.h"
#include "sys/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace berth::runtime {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kV2Host =
    "31 23 0:28 / /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw,nsdelegate\n";
constexpr const char* kV1Host =
    "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
    "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
    "36 31 0:33 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n"
    "37 31 0:34 / /sys/fs/cgroup/devices rw - cgroup cgroup rw,devices\n";

Spec explained_spec() {
  Spec spec;
  spec.root_path = "rootfs";
  spec.hostname = "box";
  spec.namespaces = {
      {"mount", ""}, {"pid", ""}, {"uts", ""}, {"cgroup", ""}, {"network", "/run/net"}};
  spec.mounts = {{"/proc", "proc", "proc", {"nosuid"}, {}},
                 {"/dev", "tmpfs", "tmpfs", {"mode=755"}, {}},
                 {"/data", "bind", "/srv/data", {"rbind", "ro"}, {}}};
  spec.sysctl = {{"kernel.domainname", "x"}};
  spec.masked_paths = {"/proc/kcore"};
  spec.readonly_paths = {"/proc/sys"};
  spec.limits.memory_max_bytes = 64 << 20;
  ProcessSpec process;
  process.args = {"sh", "-c", "echo it's"};
  process.cwd = "/";
  process.no_new_privileges = true;
  process.rlimits = {{.resource = 7, .soft = 256, .hard = 512}};
  spec.process = process;
  spec.seccomp = SeccompSpec{.default_action = "SCMP_ACT_ERRNO"};
  return spec;
}

Result<Plan> explained_plan(const Spec& spec, const char* host) {
  return make_plan(spec, {sys::Cgroups::parse(host).value(), "/x"});
}

std::vector<std::string> stages_of(const std::vector<Step>& steps) {
  std::vector<std::string> stages;
  for (const Step& step : steps) {
    if (stages.empty() || stages.back() != step.stage) stages.push_back(step.stage);
  }
  return stages;
}

const Step* find_step(const std::vector<Step>& steps, const std::string& asked_by) {
  auto found = std::ranges::find(steps, asked_by, &Step::asked_by);
  return found == steps.end() ? nullptr : &*found;
}

TEST(Explain, TheInitsStepsAreInTheOrderOfItsStages) {
  Spec spec = explained_spec();
  Plan plan = explained_plan(spec, kV2Host).value();
  EXPECT_THAT(
      stages_of(explain_init(spec, plan)),
      ElementsAre(name_of(Stage::kJoin), name_of(Stage::kClone), name_of(Stage::kCgroupNamespace),
                  name_of(Stage::kMounts), name_of(Stage::kDevices), name_of(Stage::kHostname),
                  name_of(Stage::kSysctl), name_of(Stage::kMasks), name_of(Stage::kPivot),
                  name_of(Stage::kRlimits), name_of(Stage::kUser), name_of(Stage::kCapabilities),
                  name_of(Stage::kSeccomp), name_of(Stage::kExec)));
}

// Without no_new_privs the filter needs CAP_SYS_ADMIN, so it comes before that goes.
TEST(Explain, SeccompComesWhereItIsLoaded) {
  Spec spec = explained_spec();
  spec.process->no_new_privileges = false;
  std::vector<std::string> stages =
      stages_of(explain_init(spec, explained_plan(spec, kV2Host).value()));
  EXPECT_LT(std::ranges::find(stages, name_of(Stage::kSeccomp)),
            std::ranges::find(stages, name_of(Stage::kUser)));
}

TEST(Explain, EveryMountOfThePlanIsAStepThatCanBeSeen) {
  Spec spec = explained_spec();
  Plan plan = explained_plan(spec, kV2Host).value();
  std::vector<Step> steps = explain_init(spec, plan);
  for (const MountStep& mount : plan.mounts) {
    const Step* step = find_step(steps, "mounts[" + mount.target + "]");
    ASSERT_NE(step, nullptr) << mount.target;
    ASSERT_EQ(step->looks.size(), 1U);
    EXPECT_THAT(step->looks[0].words, Contains(mount.target));
  }
  EXPECT_EQ(find_step(steps, "mounts[/data]")->by_hand, "mount --rbind /srv/data ROOT/data");
}

TEST(Explain, LayersThatAreFilesAreMountedFirst) {
  auto directory = sys::TemporaryDirectory::make("/tmp", "berth-explain-").value();
  std::string file = directory.path() + "/fs.erofs";
  ASSERT_TRUE(sys::write_replace(file, "", 0600));
  Spec spec = explained_spec();
  ContainerPlan container;
  container.rootfs = {{directory.path(), file, directory.path()}, "/u", "/w", "/r"};
  std::vector<Step> steps = explain_creation(container, spec, explained_plan(spec, kV2Host).value(),
                                             sys::Cgroups::parse(kV2Host).value());
  ASSERT_EQ(steps[0].asked_by, "image");
  EXPECT_EQ(steps[0].by_hand, "mount -t erofs -o loop,ro,nodev,nosuid " + file + " /r.layers/1");
  EXPECT_THAT(steps[0].looks,
              ElementsAre(Look{.file = "/sys/block/loop*/loop/backing_file", .words = {file}}))
      << "no device has it";
  EXPECT_THAT(steps[1].by_hand, HasSubstr("lowerdir=" + directory.path() +
                                          ":/r.layers/1:" + directory.path() + ",upperdir=/u"));

  container.rootfs.layers = {directory.path()};
  steps = explain_creation(container, spec, explained_plan(spec, kV2Host).value(),
                           sys::Cgroups::parse(kV2Host).value());
  EXPECT_THAT(steps[0].calls, Contains("fsopen(overlay)"));
}

TEST(Explain, LimitsAreTheFilesThatAreWritten) {
  Spec spec = explained_spec();
  ContainerPlan container;
  for (auto [host, file] : {std::pair{kV1Host, "/sys/fs/cgroup/memory/x/memory.limit_in_bytes"},
                            std::pair{kV2Host, "/sys/fs/cgroup/x/memory.max"}}) {
    spec.cgroups_path = "/x";
    std::vector<Step> steps = explain_creation(container, spec, explained_plan(spec, host).value(),
                                               sys::Cgroups::parse(host).value());
    const Step* step = find_step(steps, "linux.resources.memory.limit");
    ASSERT_NE(step, nullptr) << host;
    EXPECT_EQ(step->by_hand, std::string("echo 67108864 > ") + file);
    EXPECT_EQ(step->looks.at(0), (Look{.file = file, .words = {"67108864"}}));
  }
}

TEST(Explain, CommandsByHandSurviveAShell) {
  Spec spec = explained_spec();
  std::vector<Step> steps = explain_init(spec, explained_plan(spec, kV2Host).value());
  EXPECT_THAT(steps.back().by_hand, HasSubstr(R"(sh -c 'echo it'\''s')"));
}

TEST(Explain, TheTasksGroupAndNamespacesComeFirst) {
  TaskPlan plan;
  plan.cgroup = "/berth/default/t";
  plan.limits.pids = 100;
  plan.ids = IdRangePlan{100000, 65536};
  plan.networks = {{"task", "/run/ns/net-task"}};
  std::vector<Step> steps = explain_task(plan, sys::Cgroups::parse(kV2Host).value());
  EXPECT_THAT(stages_of(steps), ElementsAre("cgroup", "namespaces"));
  const Step* ids = find_step(steps, "ids");
  ASSERT_NE(ids, nullptr);
  EXPECT_THAT(ids->looks,
              Contains(Look{.file = "/proc/PID/uid_map", .words = {"0", "100000", "65536"}}));
}

// --userns=host: nothing is said of a user namespace that is not there.
TEST(Explain, WithoutIdsThereIsNoUserNamespace) {
  TaskPlan plan;
  plan.networks = {{"task", "/run/ns/net-task"}};
  Spec spec = explained_spec();
  sys::Cgroups cgroups = sys::Cgroups::parse(kV2Host).value();
  std::vector<Step> steps = explain_task(plan, cgroups);
  for (const Step& step :
       explain_creation(ContainerPlan(), spec, explained_plan(spec, kV2Host).value(), cgroups)) {
    steps.push_back(step);
  }
  for (const Step& step : steps) {
    for (const std::string& call : step.calls) {
      EXPECT_THAT(call, testing::Not(HasSubstr("user namespace")));
      EXPECT_THAT(call, testing::Not(HasSubstr("IDMAP")));
    }
    EXPECT_THAT(step.effect + step.purpose, testing::Not(HasSubstr("user namespace")));
  }
}

}  // namespace
}  // namespace berth::runtime
