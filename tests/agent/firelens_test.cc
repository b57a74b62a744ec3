// What a router is given, against what the ECS agent generates for the same task (the texts of its
// own tests).
#include "agent/firelens.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace berth::agent {
namespace {

using scheduler::FirelensType;
using scheduler::NetworkMode;

const FirelensIdentity kIdentity = {"mycluster",
                                    "arn:aws:ecs:us-east-2:01234567891011:task/mycluster/3de392df",
                                    "taskdefinition:1"};

scheduler::TaskDefinition task_with(FirelensType type,
                                    std::map<std::string, std::string> router_options) {
  scheduler::ContainerDefinition app;
  app.name = "container";
  app.log_configuration = scheduler::LogConfiguration{
      "awsfirelens",
      {{type == FirelensType::kFluentd ? "@type" : "Name", "kinesis_firehose"},
       {"region", "us-west-2"},
       {"deliver_stream_name", "my-stream"},
       {"log-driver-buffer-limit", "100"},
       {"include-pattern", "*failure*"},
       {"exclude-pattern", "*success*"}}};
  scheduler::ContainerDefinition router;
  router.name = "router";
  router.firelens = scheduler::FirelensConfiguration{type, std::move(router_options)};
  scheduler::TaskDefinition task;
  task.container_definitions = {app, router};
  return task;
}

std::string rendered(const scheduler::TaskDefinition& task) {
  return render_firelens_config(firelens_config_of(task, kIdentity));
}

constexpr const char* kFluentbit = R"(
[INPUT]
    Name forward
    Mem_Buf_Limit 25MB
    unix_path /var/run/fluent.sock

[INPUT]
    Name forward
    Listen 0.0.0.0
    Port 24224

[INPUT]
    Name tcp
    Tag firelens-healthcheck
    Listen 127.0.0.1
    Port 8877

[FILTER]
    Name   grep
    Match container-firelens*
    Regex  log *failure*

[FILTER]
    Name   grep
    Match container-firelens*
    Exclude log *success*

[FILTER]
    Name record_modifier
    Match *
    Record ecs_cluster mycluster
    Record ecs_task_arn arn:aws:ecs:us-east-2:01234567891011:task/mycluster/3de392df
    Record ecs_task_definition taskdefinition:1

@INCLUDE /fluent-bit/etc/external.conf

[OUTPUT]
    Name null
    Match firelens-healthcheck

[OUTPUT]
    Name kinesis_firehose
    Match container-firelens*
    deliver_stream_name my-stream
    region us-west-2
)";

constexpr const char* kFluentd = R"(
<source>
    @type unix
    path /var/run/fluent.sock
</source>

<source>
    @type forward
    bind 127.0.0.1
    port 24224
</source>

<filter container-firelens**>
    @type  grep
    <regexp>
        key log
        pattern *failure*
    </regexp>
</filter>

<filter container-firelens**>
    @type  grep
    <exclude>
        key log
        pattern *success*
    </exclude>
</filter>

<filter **>
    @type record_transformer
    <record>
        ecs_cluster mycluster
        ecs_task_arn arn:aws:ecs:us-east-2:01234567891011:task/mycluster/3de392df
        ecs_task_definition taskdefinition:1
    </record>
</filter>

@include /tmp/dummy.conf

<match container-firelens**>
    @type kinesis_firehose
    deliver_stream_name my-stream
    region us-west-2
</match>
)";

TEST(Firelens, FluentBitsConfigurationIsTheAgents) {
  EXPECT_EQ(rendered(task_with(FirelensType::kFluentbit,
                               {{"config-file-type", "s3"},
                                {"config-file-value", "arn:aws:s3:::bucket/external.conf"}})),
            kFluentbit);
}

TEST(Firelens, FluentdsConfigurationIsTheAgents) {
  auto task = task_with(FirelensType::kFluentd,
                        {{"config-file-type", "file"}, {"config-file-value", "/tmp/dummy.conf"}});
  task.network_mode = NetworkMode::kAwsvpc;
  EXPECT_EQ(rendered(task), kFluentd);
}

TEST(Firelens, WithoutANetworkThereIsTheSocketAlone) {
  auto task = task_with(FirelensType::kFluentbit, {{"enable-ecs-log-metadata", "no!"}});
  task.network_mode = NetworkMode::kHost;
  task.container_definitions[0].log_configuration->options = {{"include-pattern", "x"}};
  task.container_definitions[1].memory_mib = 512;
  task.container_definitions[1].memory_reservation_mib = 101;
  EXPECT_EQ(rendered(task), R"(
[INPUT]
    Name forward
    Mem_Buf_Limit 50MB
    unix_path /var/run/fluent.sock

[FILTER]
    Name   grep
    Match container-firelens*
    Regex  log x
)");
}

TEST(Firelens, SecretsAreVariablesOfTheRouter) {
  auto task = task_with(FirelensType::kFluentbit, {});
  auto& log = *task.container_definitions[0].log_configuration;
  log.options = {{"Name", "http"}, {"apikey", "of the definition"}};
  log.secret_options = {{"apikey", "/key"}, {"Host", "/host"}};
  std::swap(task.container_definitions[0], task.container_definitions[1]);
  auto config = firelens_config_of(task, kIdentity);
  EXPECT_EQ(
      config.outputs.back(),
      (FirelensSection{
          "http", "container-firelens*", {{"Host", "${Host_1}"}, {"apikey", "${apikey_1}"}}}));
  task.container_definitions[0].firelens->type = FirelensType::kFluentd;
  log.options = {};
  task.container_definitions[1].log_configuration->options = {{"@type", "http"}};
  EXPECT_THAT(rendered(task), testing::HasSubstr("    Host \"#{ENV['Host_1']}\"\n"));
}

}  // namespace
}  // namespace berth::agent
