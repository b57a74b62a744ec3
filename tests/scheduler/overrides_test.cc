#include "scheduler/overrides.h"

#include <gtest/gtest.h>

namespace berth::scheduler {
namespace {

TaskDefinition definition() {
  TaskDefinition task{.family = "f"};
  task.container_definitions = {{.name = "a", .image = "i", .memory_mib = 64}};
  task.container_definitions[0].environment = {{"A", "1"}, {"B", "1"}, {"C", "1"}};
  return task;
}

TEST(Overrides, WinOverOptionsWhichWinOverTheDefinition) {
  auto overrides = read_overrides(
      R"({"containerOverrides":[{"name":"a","command":["x"],"environment":[{"name":"A","value":"3"}]}]})",
      "o");
  ASSERT_TRUE(overrides) << overrides.error().text;
  auto all = *parse_environment_option("A=2");
  auto one = *parse_environment_option("a:B=2=2");
  auto task = apply_overrides(definition(), *overrides, {all, one}, CpuArchitecture::kX86_64);
  ASSERT_TRUE(task) << task.error().text;
  EXPECT_EQ(task->container_definitions[0].environment,
            (std::vector<KeyValue>{{"A", "3"}, {"B", "2=2"}, {"C", "1"}}));
  EXPECT_EQ(task->container_definitions[0].command, std::vector<std::string>{"x"});
}

TEST(Overrides, NameTheUnknownContainer) {
  Overrides overrides;
  overrides.containers = {{.name = "z"}};
  auto task = apply_overrides(definition(), overrides, {}, CpuArchitecture::kX86_64);
  ASSERT_FALSE(task);
  EXPECT_EQ(task.error().text,
            "Override for container named z is not a container in the TaskDefinition.");
}

TEST(Overrides, OfEphemeralStorage) {
  auto overrides = read_overrides(R"({"ephemeralStorage":{"sizeInGiB":30}})", "o");
  ASSERT_TRUE(overrides) << overrides.error().text;
  auto task = apply_overrides(definition(), *overrides, {}, CpuArchitecture::kX86_64);
  ASSERT_TRUE(task) << task.error().text;
  EXPECT_EQ(task->ephemeral_storage_gib, 30);
  auto small = read_overrides(R"({"ephemeralStorage":{"sizeInGiB":20}})", "o");
  ASSERT_FALSE(small);
  EXPECT_EQ(small.error().text,
            "o: ephemeralStorage.sizeInGiB: EphemeralStorage size should be at least 21");
}

TEST(Overrides, HaveALimit) {
  std::string text = "{}" + std::string(kOverridesMax - 2, ' ');
  EXPECT_TRUE(read_overrides(text, "o"));
  EXPECT_FALSE(read_overrides(text + " ", "o"));
}

}  // namespace
}  // namespace berth::scheduler
