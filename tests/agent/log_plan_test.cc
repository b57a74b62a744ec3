#include "agent/log_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace berth::agent {
namespace {

using testing::ElementsAre;
using testing::Pair;

runtime::LogPlan plan_with(const std::map<std::string, std::string>& options) {
  scheduler::ContainerDefinition container;
  container.docker_labels = {{"team", "x"}, {"tier", "web"}};
  container.log_configuration = scheduler::LogConfiguration{"json-file", options};
  LoggedContainer logged;
  logged.id = "0123456789abcdef0123456789abcdef";
  logged.name = "task-web";
  logged.image_name = "app:1";
  logged.image_digest = "sha256:fedcba9876543210";
  logged.environment = {"OS=linux", "OSLEVEL=2", "HOME=/root", "EMPTY="};
  return log_plan_of(container, logged, "/logs/web.log").value();
}

TEST(LogPlanOf, NothingAskedForIsABlockingFileThatGrows) {
  auto plan = log_plan_of({}, {}, "/logs/web.log").value();
  EXPECT_EQ(plan.mode, runtime::LogMode::kBlocking);
  EXPECT_EQ(plan.file, (runtime::LogFilePlan{"/logs/web.log", 0, 1, false}));
}

TEST(LogPlanOf, RotationIsDockers) {
  auto plan = plan_with({{"max-size", "1.5m"}, {"max-file", "3"}, {"compress", "true"}});
  EXPECT_EQ(plan.file, (runtime::LogFilePlan{"/logs/web.log", 1500000, 3, true}));
  EXPECT_EQ(plan.mode, runtime::LogMode::kBlocking);
  plan = plan_with({{"mode", "non-blocking"}, {"max-buffer-size", "4m"}});
  EXPECT_EQ(plan.mode, runtime::LogMode::kNonBlocking);
  EXPECT_EQ(plan.buffer_bytes, 4U << 20);
  EXPECT_EQ(plan_with({{"mode", "non-blocking"}}).buffer_bytes, 10U << 20);
}

TEST(LogPlanOf, AttributesAreChosenByNameAndPattern) {
  auto plan = plan_with({{"labels", "team,missing"},
                         {"env", "HOME, EMPTY"},
                         {"env-regex", "^OS"},
                         {"tag", "{{.ImageName}}/{{ .Name }}/{{.ID}}/{{.ImageID}}"}});
  EXPECT_THAT(plan.attributes, ElementsAre(Pair("EMPTY", ""), Pair("HOME", "/root"),
                                           Pair("OS", "linux"), Pair("OSLEVEL", "2"),
                                           Pair("tag", "app:1/task-web/0123456789ab/fedcba987654"),
                                           Pair("team", "x")));
}

TEST(LogPlanOf, ASecretGoesBeforeAnOptionOfItsNameAndIsNotRepeated) {
  scheduler::ContainerDefinition container;
  container.log_configuration = scheduler::LogConfiguration{
      "fluentd", {{"fluentd-address", "unix:///a"}, {"fluentd-retry-wait", "1s"}, {"tag", "t"}}};
  LoggedContainer logged;
  logged.secret_options = {{"fluentd-retry-wait", Secret("2s")}, {"tag", Secret("")}};
  auto plan = log_plan_of(container, logged, "/web.log").value();
  EXPECT_EQ(plan.setting("retry_wait_ms"), "2000");
  EXPECT_EQ(plan.setting("tag"), "t") << "an empty value is none, as with the ECS agent";
  EXPECT_EQ(plan.setting(runtime::kReceiverIsSecret), "");
  logged.secret_options = {{"fluentd-address", Secret("unix:///b")}};
  plan = log_plan_of(container, logged, "/web.log").value();
  EXPECT_EQ(plan.receiver.address, "/b");
  EXPECT_EQ(plan.setting(runtime::kReceiverIsSecret), "true");
  logged.secret_options = {{"fluentd-retry-wait", Secret("hush")}};
  std::string why = log_plan_of(container, logged, "/web.log").error().text;
  EXPECT_THAT(why, testing::HasSubstr("the secret of fluentd-retry-wait"));
  EXPECT_THAT(why, testing::Not(testing::HasSubstr("hush")));
}

TEST(LogPlanOf, GelfNamesTheContainer) {
  scheduler::ContainerDefinition container;
  container.docker_labels = {{"team", "x"}};
  container.log_configuration =
      scheduler::LogConfiguration{"gelf",
                                  {{"gelf-address", "tcp://127.0.0.1:12201"},
                                   {"gelf-tcp-reconnect-delay", "2"},
                                   {"gelf-tcp-max-reconnect", "5"},
                                   {"labels", "team"},
                                   {"tag", "{{.Name}}"}}};
  LoggedContainer logged{.id = "0123",
                         .name = "task-web",
                         .image_name = "app:1",
                         .image_digest = "sha256:fe",
                         .command = {"sh", "-c", "true"},
                         .host_name = "host"};
  auto plan = log_plan_of(container, logged, "/web.log").value();
  EXPECT_EQ(plan.driver, runtime::LogDriverKind::kGelf);
  EXPECT_EQ(plan.receiver, (sys::Endpoint{sys::Transport::kTcp, "127.0.0.1", 12201}));
  EXPECT_THAT(plan.settings,
              ElementsAre(Pair("_command", "sh -c true"), Pair("_container_id", "0123"),
                          Pair("_container_name", "task-web"),
                          Pair("_created", "1970-01-01T00:00:00.000000000Z"),
                          Pair("_image_id", "sha256:fe"), Pair("_image_name", "app:1"),
                          Pair("_tag", "task-web"), Pair("hostname", "host"),
                          Pair("max_reconnect", "5"), Pair("reconnect_delay_ms", "2000")));
  EXPECT_THAT(plan.attributes, ElementsAre(Pair("team", "x")));
  EXPECT_EQ(plan.mode, runtime::LogMode::kNonBlocking);
}

TEST(LogPlanOf, AwslogsGoesToAStreamNamedAsTheAgentNamesIt) {
  scheduler::Task task;
  task.id = "0123456789abcdef";
  task.containers.push_back({.id = "1b4e28ba-2fa1-11d2-883f-0016d3cca427", .name = "web"});
  scheduler::ContainerDefinition container;
  container.name = "web";
  scheduler::LogConfiguration log{"awslogs",
                                  {{"awslogs-group", "/ecs/app"},
                                   {"awslogs-region", "eu-west-1"},
                                   {"awslogs-stream-prefix", "pre"},
                                   {"awslogs-datetime-format", "%Y-%m"}}};
  container.log_configuration = log;
  InstancePaths paths{"/root", "/run"};
  std::string path = log_path_of(paths, task, container);
  EXPECT_EQ(path,
            "/root/log-groups/eu-west-1/%2Fecs%2Fapp/streams/pre%2Fweb%2F0123456789abcdef/"
            "events.log");
  auto plan = log_plan_of(container, {}, path).value();
  EXPECT_EQ(plan.driver, runtime::LogDriverKind::kAwslogs);
  EXPECT_EQ(plan.mode, runtime::LogMode::kNonBlocking);
  EXPECT_EQ(plan.buffer_bytes, 10U << 20);
  EXPECT_EQ(plan.event_pattern, "[0-9]{4}\\-(?:0[1-9]|1[0-2])");
  EXPECT_EQ(plan.file.max_files, 0U);
  container.log_configuration->options.erase("awslogs-stream-prefix");
  EXPECT_THAT(log_path_of(paths, task, container),
              testing::HasSubstr("/streams/1b4e28ba2fa111d2883f0016d3cca427/"));
}

}  // namespace
}  // namespace berth::agent
