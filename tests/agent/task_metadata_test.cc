#include "agent/task_metadata.h"

#include "agent/endpoint_document.h"
#include "base/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace berth::agent {
namespace {

using runtime::ShimEvent;
using testing::HasSubstr;
using testing::Not;
using Kind = ShimEvent::Kind;

constexpr const char* kAt = "2026-11-26T06:00:00.000000000Z";

scheduler::Task metadata_task() {
  scheduler::Task task;
  task.id = "0123456789abcdef0123456789abcdef";
  task.group = "family:web";
  task.definition.family = "web";
  task.definition.network_mode = scheduler::NetworkMode::kAwsvpc;
  task.definition.container_definitions.push_back({.name = "main", .image = "nginx"});
  task.definition.container_definitions.push_back(
      {.name = "side", .image = "busybox", .essential = false});
  task.definition.tags = {{"k", "v"}};
  for (const char* name : {"main", "side"}) {
    scheduler::Container container;
    container.id = std::string("uuid-of-") + name;
    container.name = name;
    task.containers.push_back(container);
  }
  return task;
}

EndpointIds metadata_ids() {
  EndpointIds ids;
  ids.containers = {{"main", "id-main"}, {"side", "id-side"}};
  ids.credentials = "id-role";
  return ids;
}

std::string document_of(const scheduler::Task& task, const EndpointIds& ids) {
  return render_endpoint_document(
      {.task = task, .ids = ids, .region = "eu-west-1", .account = "123456789012"});
}

TaskMetadata metadata_example() {
  scheduler::Task task = metadata_task();
  task.definition.task_role_arn = "app";
  return std::move(*TaskMetadata::parse(document_of(task, metadata_ids()), "endpoint.json"));
}

ShimEvent event(Kind kind, const std::string& container = "") {
  ShimEvent made;
  made.kind = kind;
  made.container = container;
  made.at = kAt;
  return made;
}

std::string status_of(const TaskMetadata& metadata, const std::string& container) {
  std::string text = metadata.render_container(MetadataVersion::kV4, container);
  return json::Document::parse(text, {})->root().string_at("KnownStatus").value();
}

std::string task_status(const TaskMetadata& metadata) {
  std::string text = metadata.render_task(MetadataVersion::kV4, Tags::kWithout);
  return json::Document::parse(text, {})->root().string_at("KnownStatus").value();
}

TEST(TaskMetadata, ATaskIsAsFarAsTheLeastOfItsContainers) {
  TaskMetadata metadata = metadata_example();
  EXPECT_EQ(task_status(metadata), "PULLED");
  metadata.observe(event(Kind::kContainerCreated, "main"));
  ShimEvent started = event(Kind::kContainerStarted, "main");
  started.pid = 7;
  metadata.observe(started);
  EXPECT_EQ(status_of(metadata, "main"), "RUNNING");
  EXPECT_EQ(task_status(metadata), "PULLED");
  EXPECT_EQ(metadata.containers()[0].pid, 7);
  EXPECT_FALSE(metadata.containers()[1].running);
  metadata.observe(event(Kind::kContainerCreated, "side"));
  EXPECT_EQ(task_status(metadata), "CREATED");
  // What never started has no code.
  ShimEvent exited = event(Kind::kContainerExited, "side");
  exited.exit = runtime::ExitRecord{.container = "side", .reason = "CannotStart"};
  metadata.observe(exited);
  EXPECT_EQ(task_status(metadata), "RUNNING");
  EXPECT_THAT(metadata.render_container(MetadataVersion::kV4, "side"), Not(HasSubstr("ExitCode")));
  // An event of before does not take it back.
  metadata.observe(event(Kind::kContainerCreated, "side"));
  EXPECT_EQ(status_of(metadata, "side"), "STOPPED");
}

TEST(TaskMetadata, TheFirstEssentialEndIsThatOfTheExecution) {
  TaskMetadata metadata = metadata_example();
  ShimEvent exited = event(Kind::kContainerExited, "side");
  metadata.observe(exited);
  EXPECT_THAT(metadata.render_task(MetadataVersion::kV4, Tags::kWithout),
              Not(HasSubstr("ExecutionStoppedAt")));
  exited.container = "main";
  metadata.observe(exited);
  EXPECT_THAT(metadata.render_task(MetadataVersion::kV4, Tags::kWithout),
              HasSubstr("ExecutionStoppedAt"));
}

TEST(TaskMetadata, ARestartCountsAndGivesAnotherProcess) {
  TaskMetadata metadata = metadata_example();
  metadata.observe(event(Kind::kContainerStarted, "main"));
  ShimEvent restarted = event(Kind::kContainerRestarted, "main");
  restarted.pid = 9;
  restarted.exit = runtime::ExitRecord{.container = "main", .exit_code = 1, .restarts = 1};
  metadata.observe(restarted);
  EXPECT_EQ(metadata.containers()[0].pid, 9);
  EXPECT_EQ(status_of(metadata, "main"), "RUNNING");
  EXPECT_THAT(metadata.render_container(MetadataVersion::kV4, "main"),
              HasSubstr("\"RestartCount\":2"));
}

TEST(TaskMetadata, EphemeralStorageIsToldInMebibytes) {
  EXPECT_FALSE(metadata_example().ephemeral_storage());
  scheduler::Task task = metadata_task();
  EndpointIds ids = metadata_ids();
  std::string text = render_endpoint_document({.task = task,
                                               .ids = ids,
                                               .region = "eu-west-1",
                                               .account = "123456789012",
                                               .ephemeral_storage = "/t/e"});
  TaskMetadata metadata = std::move(*TaskMetadata::parse(text, "endpoint.json"));
  EXPECT_EQ(metadata.ephemeral_storage(), "/t/e");
  metadata.observe_ephemeral_storage(uint64_t{3} << 20, uint64_t{21} << 30);
  EXPECT_THAT(metadata.render_task(MetadataVersion::kV4, Tags::kWithout),
              HasSubstr("\"EphemeralStorageMetrics\":{\"Utilized\":3,\"Reserved\":21504}"));
  EXPECT_THAT(metadata.render_task(MetadataVersion::kV3, Tags::kWithout),
              Not(HasSubstr("EphemeralStorageMetrics")));
}

TEST(TaskMetadata, TagsAreToldWhenAskedFor) {
  TaskMetadata metadata = metadata_example();
  EXPECT_THAT(metadata.render_task(MetadataVersion::kV4, Tags::kWithout),
              Not(HasSubstr("TaskTags")));
  EXPECT_THAT(metadata.render_task(MetadataVersion::kV4, Tags::kWith),
              HasSubstr("\"TaskTags\":{\"k\":\"v\"}"));
}

TEST(TaskMetadata, ARoleHasAnArnWhateverTheDefinitionCallsIt) {
  EXPECT_EQ(metadata_example().role()->arn, "arn:aws:iam::123456789012:role/app");
  scheduler::Task task = metadata_task();
  auto without = TaskMetadata::parse(document_of(task, metadata_ids()), "endpoint.json");
  EXPECT_FALSE(without->role());
  task.definition.task_role_arn = "arn:aws:iam::1:role/x";
  auto with = TaskMetadata::parse(document_of(task, metadata_ids()), "endpoint.json");
  EXPECT_EQ(with->role()->arn, "arn:aws:iam::1:role/x");
}

TEST(TaskMetadata, WhatIsNoDocumentIsRefused) {
  for (
      const char* text :
      {"", "[]", "{}", R"({"version":1,"containers":{},"essential":[],"task":[]})",
       R"({"version":2,"containers":{},"essential":[],"task":{"TaskARN":"x","Containers":[]}})",
       R"({"version":1,"containers":{},"essential":[],"task":{"TaskARN":"x","Containers":[1]}})"}) {
    EXPECT_FALSE(TaskMetadata::parse(text, "endpoint.json")) << text;
  }
}

TEST(EndpointVariables, AreOfTheContainerAndOfTheTask) {
  scheduler::Task task = metadata_task();
  task.definition.task_role_arn = "app";
  EndpointIds ids = metadata_ids();
  auto made = endpoint_variables(task, ids, "side", "eu-west-1");
  EXPECT_THAT(made.always,
              testing::Contains("ECS_CONTAINER_METADATA_URI_V4=http://169.254.170.2/v4/id-side"));
  EXPECT_THAT(made.always,
              testing::Contains("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/v2/credentials/id-role"));
  task.definition.network_mode = scheduler::NetworkMode::kHost;
  ids.host_port = 4711;
  made = endpoint_variables(task, ids, "main", "eu-west-1");
  EXPECT_THAT(
      made.always,
      testing::Contains(
          "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1:4711/v2/credentials/id-role"));
}

}  // namespace
}  // namespace berth::agent
