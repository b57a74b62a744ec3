#include "agent/task_info.h"

#include <gtest/gtest.h>

namespace berth::agent {
namespace {

TaskInfo example() {
  TaskInfo info;
  info.id = "0123456789abcdef0123456789abcdef";
  info.family = "web";
  info.network_mode = "bridge";
  info.created_at = "2026-11-26T03:00:00.000000000Z";
  info.detached = true;
  info.containers = {{"main", "nginx:latest", "sha256:aa", true}, {"side", "busybox", "", false}};
  info.addresses = {{"main", "172.29.0.2"}, {"side", "172.29.0.3"}};
  info.ports = {{"main", "0.0.0.0", 8080, 80, "tcp"}};
  return info;
}

TEST(TaskInfo, IsReadAsItWasWritten) {
  auto info = parse_task_info(render_task_info(example()), "info.json");
  ASSERT_TRUE(info) << info.error().text;
  EXPECT_EQ(*info, example());
}

TEST(TaskInfo, AMemberThatIsWrongIsNamed) {
  std::string text = render_task_info(example());
  text.replace(text.find("8080"), 4, "65536");
  auto info = parse_task_info(text, "info.json");
  ASSERT_FALSE(info);
  EXPECT_EQ(info.error().text, "ports[0].hostPort: 65536 is no port");
}

TEST(TaskInfo, AnotherVersionIsNotGuessedAt) {
  auto info = parse_task_info(R"({"version": 2})", "info.json");
  ASSERT_FALSE(info);
  EXPECT_EQ(info.error().code, Errc::kUnsupported);
}

TEST(TaskInfo, ComesOfTheTaskAndItsLease) {
  scheduler::Task task;
  task.id = "0123";
  task.definition.family = "web";
  task.definition.network_mode = scheduler::NetworkMode::kAwsvpc;
  task.definition.container_definitions.push_back({.name = "main", .image = "nginx"});
  netns::Lease lease;
  lease.endpoints.push_back({.container = "task",
                             .address = Ipv4{0xac1d0002},
                             .ports = {{Ipv4{0x7f000001}, 8080, 80, netns::Protocol::kUdp}}});
  TaskInfo info = task_info_of(task, lease, *netns::make_bridge_plan({.subnet6 = "fd00:be::/64"}),
                               {{"main", "sha256:bb"}});
  EXPECT_EQ(info.family, "web");
  EXPECT_EQ(info.network_mode, "awsvpc");
  EXPECT_EQ(info.containers, (std::vector<ContainerInfo>{{"main", "nginx", "sha256:bb", true}}));
  EXPECT_EQ(info.addresses, (std::vector<AddressInfo>{{"task", "172.29.0.2", "fd00:be::ac1d:2"}}));
  EXPECT_EQ(info.ports, (std::vector<PortInfo>{{"task", "127.0.0.1", 8080, 80, "udp"}}));
}

}  // namespace
}  // namespace berth::agent
