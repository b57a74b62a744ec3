#include "agent/task_names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace berth::agent {
namespace {

using scheduler::NetworkMode;
using testing::ElementsAre;

scheduler::Task named_task(NetworkMode mode, const std::string& family) {
  scheduler::Task task;
  task.id = "0123";
  task.definition.family = family;
  task.definition.network_mode = mode;
  for (const char* name : {"side", "Web"}) {
    scheduler::ContainerDefinition container;
    container.name = name;
    container.essential = container.name == "Web";
    task.definition.container_definitions.push_back(container);
  }
  return task;
}

netns::Endpoint endpoint_at(const std::string& container, const std::string& address) {
  netns::Endpoint endpoint;
  endpoint.container = container;
  endpoint.address = {parse_ipv4(address).value(), 16};
  return endpoint;
}

std::vector<std::string> names_of(const scheduler::Task& task,
                                  const std::vector<netns::Endpoint>& networks) {
  std::vector<std::string> names;
  for (const auto& each : names_of_task({task, networks, "a.internal", "eu-west-1"})) {
    names.push_back(each.name + " " + each.record);
  }
  return names;
}

TEST(TaskNames, OfAnAwsvpcTaskAreAllOneAddress) {
  EXPECT_THAT(names_of(named_task(NetworkMode::kAwsvpc, "Api"), {endpoint_at("task", "10.0.0.5")}),
              ElementsAre("api.a.internal A 10.0.0.5", "0123.api.a.internal A 10.0.0.5",
                          "side.api.a.internal A 10.0.0.5", "web.api.a.internal A 10.0.0.5",
                          "ip-10-0-0-5.eu-west-1.compute.internal A 10.0.0.5",
                          "5.0.0.10.in-addr.arpa PTR ip-10-0-0-5.eu-west-1.compute.internal"));
}

TEST(TaskNames, ATwinHasThemToo) {
  netns::Endpoint network = endpoint_at("task", "10.0.0.5");
  network.address6 = *parse_ipv6("fd00::a00:5");
  auto names = names_of(named_task(NetworkMode::kAwsvpc, "api"), {network});
  EXPECT_THAT(names, testing::Contains("0123.api.a.internal AAAA fd00::a00:5"));
  EXPECT_THAT(names,
              testing::Contains("5.0.0.0.0.0.a.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f."
                                "ip6.arpa PTR ip-10-0-0-5.eu-west-1.compute.internal"));
}

TEST(TaskNames, OfABridgeTaskAreThoseOfItsContainers) {
  auto names = names_of(named_task(NetworkMode::kBridge, "api"),
                        {endpoint_at("side", "10.0.0.5"), endpoint_at("Web", "10.0.0.6")});
  EXPECT_THAT(std::vector(names.begin(), names.begin() + 4),
              ElementsAre("api.a.internal A 10.0.0.6", "0123.api.a.internal A 10.0.0.6",
                          "side.api.a.internal A 10.0.0.5", "web.api.a.internal A 10.0.0.6"));
  EXPECT_EQ(names.size(), 8u);
}

TEST(TaskNames, OfContainersWithoutAnAddressAreNone) {
  auto names = names_of(named_task(NetworkMode::kBridge, "api"), {endpoint_at("side", "10.0.0.5")});
  EXPECT_THAT(std::vector(names.begin(), names.begin() + 3),
              ElementsAre("api.a.internal A 10.0.0.5", "0123.api.a.internal A 10.0.0.5",
                          "side.api.a.internal A 10.0.0.5"));
  EXPECT_THAT(names_of(named_task(NetworkMode::kNone, "api"), {}), ElementsAre());
}

TEST(TaskNames, ThatAreTooLongAreLeftOut) {
  auto names = names_of(named_task(NetworkMode::kAwsvpc, std::string(64, 'x')),
                        {endpoint_at("task", "10.0.0.5")});
  EXPECT_THAT(names, ElementsAre("ip-10-0-0-5.eu-west-1.compute.internal A 10.0.0.5",
                                 "5.0.0.10.in-addr.arpa PTR "
                                 "ip-10-0-0-5.eu-west-1.compute.internal"));
}

}  // namespace
}  // namespace berth::agent
