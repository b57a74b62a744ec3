#include "agent/container_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

namespace berth {
namespace {

using agent::args_of;
using testing::Contains;
using testing::ElementsAre;
using testing::UnorderedElementsAre;

using Words = std::vector<std::string>;

TEST(ContainerSettings, EntryPointAndCommandHideTheImagesAsInDocker) {
  struct Case {
    Words entry_point, command, image_entrypoint, image_cmd, args;
  };
  const Case cases[] = {
      {{}, {}, {"e"}, {"c"}, {"e", "c"}},   {{}, {"mine"}, {"e"}, {"c"}, {"e", "mine"}},
      {{"own"}, {}, {"e"}, {"c"}, {"own"}}, {{"own"}, {"mine"}, {"e"}, {"c"}, {"own", "mine"}},
      {{}, {}, {}, {"c"}, {"c"}},
  };
  for (const Case& c : cases) {
    scheduler::ContainerDefinition container;
    container.entry_point = c.entry_point;
    container.command = c.command;
    image::ImageConfig image;
    image.entrypoint = c.image_entrypoint;
    image.cmd = c.image_cmd;
    EXPECT_EQ(args_of(container, image).value(), c.args);
  }
  EXPECT_THAT(args_of({}, {}).error().text, testing::HasSubstr("No command specified"));
}

TEST(ContainerSettings, EnvironmentLayersOverTheImage) {
  scheduler::ContainerDefinition container;
  container.environment = {{"A", "task"}, {"HOME", "/mine"}};
  image::ImageConfig image;
  image.env = {"A=image", "B=image", "PATH=/bin"};
  EXPECT_THAT(
      agent::env_of(container, image, {}, {}, "host1"),
      UnorderedElementsAre("A=task", "B=image", "PATH=/bin", "HOSTNAME=host1", "HOME=/mine"));
  agent::ContainerEnvironment fetched;
  fetched.from_files = {{"A", "file"}, {"B", "file"}, {"C", "file"}};
  fetched.secrets.emplace_back("C", Secret("secret"));
  EXPECT_THAT(agent::env_of(container, image, fetched, {}, "host1"),
              UnorderedElementsAre("A=task", "B=file", "C=secret", "PATH=/bin", "HOSTNAME=host1",
                                   "HOME=/mine"));
}

TEST(ContainerSettings, SignalsByNameAndNumber) {
  struct Case {
    const char* text;
    int signal;
  };
  for (const Case& c : {Case{"", SIGTERM}, Case{"SIGQUIT", SIGQUIT}, Case{"INT", SIGINT},
                        Case{"9", SIGKILL}, Case{"SIGRTMIN+3", 37}, Case{"RTMIN", 34}}) {
    EXPECT_EQ(agent::parse_signal(c.text).value(), c.signal) << c.text;
  }
  for (const char* bad : {"0", "65", "SIGWHAT", "RTMIN+31", "sigterm"}) {
    EXPECT_FALSE(agent::parse_signal(bad).has_value()) << bad;
  }
}

TEST(ContainerSettings, ADefinitionBecomesSettings) {
  scheduler::TaskDefinition task;
  scheduler::ContainerDefinition container;
  container.name = "app";
  container.command = {"run"};
  container.cpu = 0;
  container.memory_mib = 64;
  container.mount_points = {{"data", "/data", true}};
  container.ulimits = {{"nofile", 100, scheduler::kUnlimited}};
  container.linux_parameters.max_swap_mib = 0;
  task.volumes = {{"data", "/srv/data"}};
  task.container_definitions = {container};
  agent::TaskPlace task_place;
  task_place.cgroup = "/berth/berth/t";
  task_place.volumes["data"].directory = "/srv/data";
  auto settings = agent::decide_settings(task, container, {}, {}, task_place, {});
  ASSERT_TRUE(settings.has_value()) << settings.error().text;
  EXPECT_EQ(settings->cgroup, "/berth/berth/t/app");
  EXPECT_EQ(settings->cpu_shares, 2u);
  EXPECT_EQ(settings->memory_bytes, 64u << 20);
  EXPECT_EQ(settings->swap_bytes, 0u);
  EXPECT_EQ(settings->cwd, "/");
  EXPECT_EQ(settings->limits[0].hard, ~0ull);
  EXPECT_EQ(settings->binds.back().source, "/srv/data");
  EXPECT_TRUE(settings->binds.back().read_only);
}

TEST(ContainerSettings, AnInitProcessGoesFirst) {
  scheduler::ContainerDefinition container;
  container.command = {"run", "fast"};
  container.linux_parameters.init_process_enabled = true;
  agent::ContainerPlace place;
  place.init_program = "/usr/bin/berth-init";
  auto settings = agent::decide_settings({}, container, {}, {}, {}, place);
  ASSERT_TRUE(settings.has_value()) << settings.error().text;
  EXPECT_THAT(settings->args, ElementsAre("/dev/init", "--", "run", "fast"));
  EXPECT_EQ(settings->binds.back().source, "/usr/bin/berth-init");
  EXPECT_TRUE(settings->binds.back().read_only);
}

TEST(ContainerSettings, PrivilegedNeedsTheHostsIds) {
  scheduler::ContainerDefinition container;
  container.command = {"x"};
  container.privileged = true;
  agent::TaskPlace place;
  EXPECT_TRUE(agent::decide_settings({}, container, {}, {}, place, {}).has_value());
  place.user_namespace = "/ns/user";
  EXPECT_THAT(agent::decide_settings({}, container, {}, {}, place, {}).error().text,
              testing::HasSubstr("--userns=host"));
}

TEST(ContainerSettings, AVariableThatNoJsonCanCarryIsNamedWithoutItsValue) {
  scheduler::ContainerDefinition container;
  container.command = {"true"};
  container.environment = {{"CITY", "K\xf6ln"}};
  auto refused = agent::decide_settings({}, container, {}, {}, {}, {});
  EXPECT_EQ(refused.error().text, "environment variable CITY: its value is not UTF-8");
}

}  // namespace
}  // namespace berth
