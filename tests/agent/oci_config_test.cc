#include "agent/oci_config.h"

#include "base/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace berth {
namespace {

using agent::ContainerSettings;
using testing::Contains;
using testing::IsSupersetOf;
using testing::Not;

ContainerSettings settings() {
  ContainerSettings settings;
  settings.args = {"/bin/true"};
  settings.rootfs = "/run/berth/tasks/t/containers/app/rootfs";
  settings.cgroup = "/berth/berth/t/app";
  settings.user_namespace = "/ns/user";
  settings.network_namespace = "/ns/net";
  settings.ids = agent::IdRange{524288, 65536};
  return settings;
}

nlohmann::json rendered(const ContainerSettings& of) {
  auto text = agent::render_oci_config(of);
  EXPECT_TRUE(text.has_value()) << text.error().text;
  return nlohmann::json::parse(*text);
}

const nlohmann::json& mount_at(const nlohmann::json& config, const std::string& target) {
  for (const auto& mount : config["mounts"]) {
    if (mount["destination"] == target) return mount;
  }
  static const nlohmann::json kNone;
  ADD_FAILURE() << "no mount at " << target;
  return kNone;
}

std::vector<std::string> options_of(const nlohmann::json& mount) {
  return mount["options"].get<std::vector<std::string>>();
}

TEST(Capabilities, FollowDockersRule) {
  struct Case {
    std::vector<std::string> add;
    std::vector<std::string> drop;
    size_t count;
  };
  const Case cases[] = {
      {{}, {}, 14},
      {{"SYS_PTRACE"}, {}, 15},
      {{}, {"ALL"}, 0},
      {{"ALL"}, {}, 41},
      {{"CHOWN"}, {"ALL"}, 1},
      {{"ALL"}, {"SYS_ADMIN"}, 40},
      {{}, {"MKNOD", "KILL"}, 12},
  };
  for (const Case& c : cases) {
    auto set = agent::capabilities_of(false, c.add, c.drop);
    ASSERT_TRUE(set.has_value());
    EXPECT_EQ(set->size(), c.count)
        << testing::PrintToString(c.add) << " less " << testing::PrintToString(c.drop);
  }
  EXPECT_EQ(agent::capabilities_of(true, {}, {"ALL"})->size(), 41u);
  EXPECT_EQ(agent::capabilities_of(false, {"CAP_CHOWN"}, {}).error().text,
            "capability \"CAP_CHOWN\" does not exist; see capabilities(7)");
}

TEST(OciConfig, RootHasTheSetInForceOthersAsABound) {
  ContainerSettings of = settings();
  auto root = rendered(of)["process"]["capabilities"];
  EXPECT_EQ(root["effective"].size(), 14u);
  of.account.uid = 1000;
  auto user = rendered(of)["process"]["capabilities"];
  EXPECT_EQ(user["bounding"].size(), 14u);
  EXPECT_TRUE(user["effective"].empty());
  EXPECT_TRUE(user["permitted"].empty());
}

TEST(OciConfig, NamespacesOfTheTaskAreJoined) {
  auto namespaces = rendered(settings())["linux"]["namespaces"];
  EXPECT_THAT(namespaces, Contains(nlohmann::json({{"type", "user"}, {"path", "/ns/user"}})));
  EXPECT_THAT(namespaces, Contains(nlohmann::json({{"type", "network"}, {"path", "/ns/net"}})));
  EXPECT_THAT(namespaces, Contains(nlohmann::json({{"type", "pid"}})));
}

TEST(OciConfig, PidsAndIpcAreTheContainersTheTasksOrTheHosts) {
  using Owner = agent::NamespaceChoice::Owner;
  ContainerSettings of = settings();
  of.pids = {Owner::kTask, "/ns/pid"};
  of.ipc = {Owner::kTask, "/ns/ipc"};
  auto shared = rendered(of)["linux"]["namespaces"];
  EXPECT_THAT(shared, Contains(nlohmann::json({{"type", "pid"}, {"path", "/ns/pid"}})));
  EXPECT_THAT(shared, Contains(nlohmann::json({{"type", "ipc"}, {"path", "/ns/ipc"}})));
  EXPECT_EQ(mount_at(rendered(of), "/proc")["type"], "proc");
  of.pids = {Owner::kHost};
  of.ipc = {Owner::kHost};
  auto hosts = rendered(of)["linux"]["namespaces"];
  for (const auto& one : hosts) {
    EXPECT_NE(one["type"], "pid");
    EXPECT_NE(one["type"], "ipc");
  }
  EXPECT_EQ(mount_at(rendered(of), "/proc")["type"], "bind") << "it cannot be mounted";
  of.user_namespace = "";
  EXPECT_EQ(mount_at(rendered(of), "/proc")["type"], "proc");
}

TEST(OciConfig, SysfsIsBoundWhereItCannotBeMounted) {
  ContainerSettings of = settings();
  EXPECT_EQ(mount_at(rendered(of), "/sys")["type"], "sysfs");
  of.network_namespace = "";
  EXPECT_EQ(mount_at(rendered(of), "/sys")["type"], "bind");
  of.user_namespace = "";
  EXPECT_EQ(mount_at(rendered(of), "/sys")["type"], "sysfs");
}

TEST(OciConfig, VolumesAreIdMappedAndOurOwnFilesAreNot) {
  ContainerSettings of = settings();
  of.binds = {{"/data", "/data", true, true}, {"/run/t/hosts", "/etc/hosts", false, false}};
  auto data = mount_at(rendered(of), "/data");
  EXPECT_THAT(options_of(data), IsSupersetOf({"rbind", "rro", "ridmap"}));
  EXPECT_EQ(data["uidMappings"][0]["hostID"], 524288);
  EXPECT_THAT(options_of(mount_at(rendered(of), "/etc/hosts")), Not(Contains("ridmap")));
  of.ids.reset();
  EXPECT_THAT(options_of(mount_at(rendered(of), "/data")), Not(Contains("ridmap")));
}

TEST(OciConfig, PrivilegedLiftsMasksAndDeviceRules) {
  ContainerSettings of = settings();
  EXPECT_EQ(rendered(of)["linux"]["resources"]["devices"][0]["allow"], false);
  EXPECT_TRUE(rendered(of)["linux"].contains("maskedPaths"));
  of.privileged = true;
  EXPECT_EQ(rendered(of)["linux"]["resources"]["devices"].size(), 1u);
  EXPECT_EQ(rendered(of)["linux"]["resources"]["devices"][0]["allow"], true);
  EXPECT_FALSE(rendered(of)["linux"].contains("maskedPaths"));
}

TEST(OciConfig, DevicesAreBoundWhereTheyCannotBeMade) {
  ContainerSettings of = settings();
  of.devices = {{.host_path = "/dev/fuse",
                 .container_path = "/dev/given",
                 .access = "r",
                 .type = 'c',
                 .major = 10,
                 .minor = 229}};
  EXPECT_EQ(mount_at(rendered(of), "/dev/given")["source"], "/dev/fuse");
  EXPECT_TRUE(rendered(of)["linux"]["devices"].empty());
  of.user_namespace = "";
  EXPECT_EQ(rendered(of)["linux"]["devices"][0]["path"], "/dev/given");
  EXPECT_EQ(rendered(of)["linux"]["devices"][0]["major"], 10);
}

TEST(OciConfig, LimitsAreInBytesAndSwapIsASum) {
  ContainerSettings of = settings();
  of.memory_bytes = 64 << 20;
  of.swap_bytes = 16 << 20;
  of.limits = {{"nofile", 10, 20}};
  auto config = rendered(of);
  EXPECT_EQ(config["linux"]["resources"]["memory"]["swap"], 80 << 20);
  EXPECT_EQ(config["process"]["rlimits"][0]["type"], "RLIMIT_NOFILE");
}

}  // namespace
}  // namespace berth
