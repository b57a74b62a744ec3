#include "runtime/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <linux/mount.h>

#include <sched.h>
#include <string>

namespace berth::runtime {
namespace {

constexpr const char* kUnified =
    "31 23 0:28 / /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw,nsdelegate\n";
constexpr const char* kHybrid =
    "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
    "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
    "34 31 0:31 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
    "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";

Spec spec_of(std::vector<MountSpec> mounts) {
  Spec spec;
  spec.namespaces = {{"mount", ""}, {"cgroup", ""}};
  spec.mounts = std::move(mounts);
  return spec;
}

Result<Plan> plan_of(const Spec& spec, const char* mountinfo) {
  return make_plan(spec, {sys::Cgroups::parse(mountinfo).value(), "/x"});
}

TEST(Plan, TurnsOptionsIntoAttributes) {
  auto plan = plan_of(
      spec_of({{"/a/../b", "bind", "/src", {"rbind", "ro", "nosuid", "rslave", "rnoexec"}, {}}}),
      kUnified);
  ASSERT_TRUE(plan) << plan.error().text;
  const MountStep& step = plan->mounts.at(0);
  EXPECT_EQ(step.target, "/b");
  EXPECT_EQ(step.set, uint64_t{MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID});
  EXPECT_EQ(step.recursive_set, uint64_t{MOUNT_ATTR_NOEXEC});
  EXPECT_TRUE(step.recursive);
  EXPECT_EQ(step.propagation, uint64_t{1} << 19);
}

// As mount(8) does; the validation suite of runtime-tools asks for such mounts.
TEST(Plan, FileSystemOptionsOfABindAreWithoutEffect) {
  auto plan = plan_of(spec_of({{"/b", "", "/src", {"mode=755", "size=1k", "bind"}, {}}}), kUnified);
  ASSERT_TRUE(plan) << plan.error().text;
  EXPECT_EQ(plan->mounts.at(0).kind, MountKind::kBind);
  EXPECT_TRUE(plan->mounts.at(0).data.empty());
}

TEST(Plan, LabelsWhatTakesALabelWhereSelinuxIsAtWork) {
  Spec spec = spec_of({{"/proc", "proc", "proc", {}, {}},
                       {"/dev", "tmpfs", "tmpfs", {"mode=755"}, {}},
                       {"/b", "bind", "/src", {}, {}}});
  spec.mount_label = "system_u:object_r:container_file_t:s0";
  sys::Cgroups cgroups = sys::Cgroups::parse(kUnified).value();
  EXPECT_THAT(make_plan(spec, {cgroups, "/x", false}).error().text,
              testing::StartsWith("linux.mountLabel: "));
  auto plan = make_plan(spec, {cgroups, "/x", true});
  ASSERT_TRUE(plan) << plan.error().text;
  EXPECT_TRUE(plan->mounts.at(0).data.empty());
  EXPECT_EQ(plan->mounts.at(1).data.back(), std::pair(std::string("context"), spec.mount_label));
  EXPECT_TRUE(plan->mounts.at(2).data.empty());
}

TEST(Plan, ShowsTheCgroupsThatTheHostHas) {
  Spec spec = spec_of({{"/sys/fs/cgroup", "cgroup", "cgroup", {"ro"}, {}}});
  EXPECT_THAT(render(plan_of(spec, kUnified).value()),
              testing::HasSubstr("mount cgroup2 on /sys/fs/cgroup,ro"));
  std::string hybrid = render(plan_of(spec, kHybrid).value());
  EXPECT_THAT(hybrid, testing::HasSubstr("mount cgroup on /sys/fs/cgroup/memory,ro,memory"));
  EXPECT_THAT(hybrid, testing::Not(testing::HasSubstr("cpuset")));
}

TEST(Plan, RefusesToCoverProc) {
  for (const char* target : {"/proc/self", "/proc", "/x/../proc/sys", "/"}) {
    auto plan = plan_of(spec_of({{target, "tmpfs", "tmpfs", {}, {}}}), kUnified);
    EXPECT_FALSE(plan) << target;
  }
  EXPECT_TRUE(plan_of(spec_of({{"/proc", "proc", "proc", {}, {}}}), kUnified));
}

TEST(Plan, RefusesSysctlsOfTheHost) {
  Spec spec = spec_of({{"/proc", "proc", "proc", {}, {}}});
  spec.sysctl = {{"kernel.panic", "1"}};
  EXPECT_FALSE(plan_of(spec, kUnified));
  spec.sysctl = {{"net.ipv4.ip_forward", "1"}};
  EXPECT_FALSE(plan_of(spec, kUnified)) << "without a network namespace";
  spec.namespaces.push_back({"network", ""});
  EXPECT_EQ(plan_of(spec, kUnified)->sysctl.at(0).first, "/proc/sys/net/ipv4/ip_forward");
}

TEST(Plan, TheLastDeviceOfAPathCounts) {
  Spec spec = spec_of({});
  spec.devices = {{.path = "/dev/x", .type = 'c', .major = 1, .minor = 1},
                  {.path = "/dev/null", .type = 'c', .major = 1, .minor = 5},
                  {.path = "/dev//x", .type = 'b', .major = 2, .minor = 2}};
  std::vector<std::string> shown;
  auto plan = plan_of(spec, kUnified);
  for (const DeviceStep& device : plan->devices) {
    shown.push_back(
        fmt::format("{} {}{}:{}", device.path, device.type, device.major, device.minor));
  }
  EXPECT_THAT(shown, testing::IsSupersetOf({"/dev/null c1:5", "/dev/x b2:2"}));
  EXPECT_THAT(shown, testing::Not(testing::Contains("/dev/null c1:3")));
  EXPECT_THAT(shown, testing::Not(testing::Contains("/dev/x c1:1")));
}

TEST(Plan, LeavesTheCgroupNamespaceForLater) {
  auto plan = plan_of(spec_of({}), kUnified);
  EXPECT_EQ(plan->clone_flags(), uint64_t{CLONE_NEWNS});
  EXPECT_TRUE(plan->makes(CLONE_NEWCGROUP));
}

TEST(Cgroup, WeightFollowsShares) {
  const std::pair<uint64_t, uint64_t> kKnown[] = {
      {0, 1}, {2, 1}, {256, 35}, {512, 59}, {1024, 100}, {2048, 174}, {4096, 303}, {262144, 10000}};
  for (auto [shares, weight] : kKnown) EXPECT_EQ(sys::weight_of_shares(shares), weight) << shares;
}

}  // namespace
}  // namespace berth::runtime
