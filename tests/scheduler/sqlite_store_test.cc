// The durable store: what was committed is there after the process has died at any point between
// commits, to the last member.
#include "scheduler/sqlite_store.h"

#include "scheduler/catalog.h"
#include "scheduler/core.h"
#include "scheduler/definition_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <random>

namespace berth::scheduler {
namespace {

constexpr auto kStoreHost = CpuArchitecture::kX86_64;
constexpr WallTime kStoreStart = WallTime(std::chrono::seconds(1700000000));

const std::string kKeptDefinition = R"({"family": "web", "networkMode": "awsvpc", "cpu": "256",
  "memory": "512", "containerDefinitions": [
    {"name": "a", "image": "busybox", "environment": [{"name": "K", "value": "v\u0000w"}],
     "healthCheck": {"command": ["CMD", "true"]}},
    {"name": "b", "image": "busybox", "essential": false, "memoryReservation": 64}]})";
const std::string kKeptOverrides =
    R"({"containerOverrides": [{"name": "b", "command": ["sleep", "1"]}], "memory": "1024"})";

class StoreDirectory : public testing::Test {
 protected:
  void SetUp() override {
    // In memory where there is such a file system: what is synced here nobody needs to wait for.
    bool has_shm = std::filesystem::is_directory("/dev/shm");
    std::string name = (has_shm ? "/dev/shm/" : testing::TempDir()) + "berth-store-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    directory_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::string path() const { return directory_ / "berth.db"; }
  std::unique_ptr<SqliteStore> open() {
    auto store = SqliteStore::open(path(), kStoreHost);
    EXPECT_TRUE(store) << store.error().text;
    return store ? std::move(*store) : nullptr;
  }

  std::filesystem::path directory_;
};

void define(RunTaskRequested& request) {
  const TaskRequest& of = request.request;
  auto definition = make_definition(
      {of.definition_json, of.overrides_json, of.launch_type, of.volumes_json}, kStoreHost);
  ASSERT_TRUE(definition) << definition.error().text;
  request.definition = *definition;
}

RunTaskRequested request_of(const std::string& id) {
  RunTaskRequested request{.task_id = id};
  request.request = {.cluster = "c",
                     .definition_json = R"({"family": "web", "networkMode": "awsvpc",
      "containerDefinitions": [{"name": "a", "image": "i"}]})",
                     .overrides_json = R"({"memory": "1024"})",
                     .volumes_json = "[]",
                     .revision = 7,
                     .launch_type = "EC2",
                     .capacity_provider = "p",
                     .platform_version = "1.4.0",
                     .group = "g",
                     .started_by = "me",
                     .service = "s",
                     .service_revision = "1",
                     .tags = {{"k", "v"}, {"empty", ""}},
                     .enable_execute_command = true,
                     .pre_stop = {{"a", {"sh", "-c", "x"}}},
                     .subnet = "subnet-1",
                     .security_groups = {"sg-1", "sg-2"},
                     .client_token = "t",
                     .request_digest = "d"};
  define(request);
  return request;
}

// All events of a life, in any order, with all their members.
std::vector<Event> events_of(const std::string& id) {
  WallTime at = kStoreStart + std::chrono::nanoseconds(123456789);
  return {TaskProvisioned{.task_id = id,
                          .network_interfaces = {{.private_ipv4_address = "172.29.0.2",
                                                  .mac_address = "02:00:00:00:00:01",
                                                  .ipv6_address = "fd00:be::2"}},
                          .network_bindings = {{"a",
                                                {{.bind_ip = "0.0.0.0",
                                                  .container_port = 80,
                                                  .host_port = 8080,
                                                  .count = 3,
                                                  .protocol = Protocol::kUdp}}}}},
          ImagesPulled{
              .task_id = id, .digests = {{"a", "sha256:1"}}, .started_at = at, .stopped_at = at},
          ContainerStarted{.task_id = id, .container = "a", .at = at},
          ContainerHealthChanged{.task_id = id,
                                 .container = "a",
                                 .health = {.status = HealthStatus::kUnhealthy,
                                            .since = at,
                                            .exit_code = 1,
                                            .output = "bad \"\n\x01"}},
          ContainerRestarted{.task_id = id, .container = "a", .restart_count = 2, .at = at},
          TagsChanged{.task_id = id, .tags = {{"new", "tag"}}},
          ProtectionChanged{.task_id = id, .until = at},
          HoldChanged{.task_id = id, .is_held = true},
          PreStopEnded{.task_id = id, .container = "a", .exit_code = 3, .output = "no"},
          ContainerExited{
              .task_id = id, .container = "a", .exit_code = 137, .out_of_memory = true, .at = at},
          StopRequested{.task_id = id, .reason = "enough"},
          KillRequested{.task_id = id},
          TaskStopped{.task_id = id, .at = at},
          TaskReleased{.task_id = id}};
}

TEST_F(StoreDirectory, WhatWasCommittedIsThereAfterEachCommit) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 4; ++round) {
    SCOPED_TRACE(round);
    std::string id = "task" + std::to_string(round);
    std::vector<Event> events = events_of(id);
    if (round > 0) std::shuffle(events.begin(), events.end() - 2, random);
    events.insert(events.begin(), request_of(id));
    MemoryStore memory;
    SeededRng rng(static_cast<uint64_t>(round));
    Core reference(memory, rng);
    for (const Event& event : events) {
      reference.submit(event);
      ASSERT_TRUE(reference.step(kStoreStart));
      {
        auto store = open();
        SeededRng same(static_cast<uint64_t>(round));
        Core core(*store, same);
        core.submit(event);
        ASSERT_TRUE(core.step(kStoreStart));
      }
      auto store = open();  // another process
      const Task* task = store->find_task(id);
      ASSERT_NE(task, nullptr);
      EXPECT_EQ(*task, *memory.find_task(id));
      EXPECT_EQ(*store->story(id, 0), *memory.story(id, 0));
    }
  }
}

// Two tasks of one definition: what is made of it once is not what the other has with its
// overrides.
TEST_F(StoreDirectory, TasksOfOneDefinitionKeepTheirOverrides) {
  {
    auto store = open();
    SeededRng rng(1);
    Core core(*store, rng);
    for (const char* id : {"as-written-1", "overridden", "as-written-2"}) {
      RunTaskRequested request = request_of(id);
      if (std::string_view(id) != "overridden") request.request.overrides_json = "";
      define(request);
      core.submit(request);
    }
    ASSERT_TRUE(core.step(kStoreStart));
  }
  auto store = open();
  EXPECT_EQ(store->find_task("as-written-1")->definition.memory_mib, std::nullopt);
  EXPECT_EQ(store->find_task("overridden")->definition.memory_mib, 1024u);
  EXPECT_EQ(store->find_task("as-written-2")->definition,
            store->find_task("as-written-1")->definition);
}

// A log that grows would have each request wait for the file system's journal.
TEST_F(StoreDirectory, ItsLogHasItsSizeFromTheBeginningAndKeepsIt) {
  constexpr uintmax_t kWrittenBackAt = 16'000'000;  // 4,000 pages of 4 KiB
  std::filesystem::path log = path() + "-wal";
  auto store = open();
  uintmax_t size = std::filesystem::file_size(log);
  EXPECT_GE(size, kWrittenBackAt);
  for (int i = 0; i < 40; ++i) {  // 20 MiB: it is written back, and begun again
    ASSERT_TRUE(
        store->write({{"kind", "key", std::string(512 * 1024, static_cast<char>('a' + i))}}));
  }
  EXPECT_EQ(std::filesystem::file_size(log), size);
  store.reset();
  EXPECT_EQ(std::filesystem::file_size(log), size);
  store = open();
  EXPECT_EQ(std::filesystem::file_size(log), size);
  auto records = store->read("kind");
  ASSERT_TRUE(records) << records.error().text;
  ASSERT_EQ(records->size(), 1u);
  EXPECT_EQ(records->front().body, std::string(512 * 1024, static_cast<char>('a' + 39)));
}

// Who waits for an answer does not wait for the database too, as long as there are other commits.
TEST_F(StoreDirectory, ItsLogIsWrittenBackByACommitThatNobodyWaitsFor) {
  constexpr uintmax_t kMebibyte = 1024 * 1024;
  auto store = open();
  SeededRng rng(1);
  Core core(*store, rng);
  core.submit(request_of("task"));
  ASSERT_TRUE(core.step(kStoreStart));
  auto write = [&](int number) {
    return store->write({{"kind", std::to_string(number), std::string(kMebibyte, 'a')}});
  };
  for (int i = 0; i < 15; ++i) ASSERT_TRUE(write(i));
  EXPECT_LT(std::filesystem::file_size(path()), kMebibyte);
  core.submit(events_of("task").front());
  ASSERT_TRUE(core.step(kStoreStart));
  EXPECT_GT(std::filesystem::file_size(path()), 15 * kMebibyte);
  // Without any the log does not grow on.
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(write(15 + i));
  EXPECT_GT(std::filesystem::file_size(path()), 30 * kMebibyte);
}

// What a death leaves is in the log alone; what an end leaves, in the database alone.
TEST_F(StoreDirectory, ADeathLeavesTheLogAndAnEndDoesNot) {
  std::filesystem::path log = path() + "-wal";
  auto store = open();
  ASSERT_TRUE(store->write({{"kind", "key", "before"}}));
  std::filesystem::path dead = directory_ / "dead.db";
  std::filesystem::copy_file(path(), dead);
  std::filesystem::copy_file(log, dead.string() + "-wal");
  {
    auto revived = SqliteStore::open(dead, kStoreHost);
    ASSERT_TRUE(revived) << revived.error().text;
    auto records = (*revived)->read("kind");
    ASSERT_TRUE(records) << records.error().text;
    ASSERT_EQ(records->size(), 1u);
    EXPECT_EQ(records->front().body, "before");
  }
  store.reset();
  std::filesystem::remove(log);
  auto records = open()->read("kind");
  ASSERT_TRUE(records) << records.error().text;
  ASSERT_EQ(records->size(), 1u);
  EXPECT_EQ(records->front().body, "before");
}

TEST_F(StoreDirectory, ADefinitionIsMadeAgainWithItsOverrides) {
  auto definition = make_definition({kKeptDefinition, kKeptOverrides, "", ""}, kStoreHost);
  EXPECT_FALSE(definition);  // NUL is in no environment
  std::string good = kKeptDefinition;
  good.replace(good.find("\\u0000"), 6, "");
  definition = make_definition({good, kKeptOverrides, "EC2", ""}, kStoreHost);
  ASSERT_TRUE(definition) << definition.error().text;
  EXPECT_EQ(definition->memory_mib, 1024u);
  EXPECT_EQ(definition->find_container("b")->command, (std::vector<std::string>{"sleep", "1"}));
}

TEST_F(StoreDirectory, StoppedTasksAreForgottenWithTheirStory) {
  auto store = open();
  SeededRng rng(1);
  Core core(*store, rng);
  for (const char* id : {"old", "live"}) core.submit(request_of(id));
  for (const Event& event : events_of("old")) core.submit(event);
  ASSERT_TRUE(core.step(kStoreStart));
  ASSERT_EQ(store->find_task("old")->last_status(), TaskStatus::kStopped);
  EXPECT_THAT(store->living_tasks(), testing::ElementsAre(store->find_task("live")));
  ASSERT_TRUE(core.forget_stopped(kStoreStart));  // stopped then, not before
  EXPECT_NE(store->find_task("old"), nullptr);
  store.reset();
  store = open();
  EXPECT_THAT(store->living_tasks(), testing::ElementsAre(store->find_task("live")));
  ASSERT_TRUE(store->forget_stopped(kStoreStart + std::chrono::nanoseconds(1)));
  EXPECT_EQ(store->find_task("old"), nullptr);
  EXPECT_TRUE(store->story("old", 0)->empty());
  store.reset();
  EXPECT_EQ(open()->task_ids(), std::vector<std::string>{"live"});
}

TEST_F(StoreDirectory, OnlyOneProcessHasIt) {
  auto store = open();
  auto second = SqliteStore::open(path(), kStoreHost);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::kUnavailable);
}

TEST_F(StoreDirectory, ADamagedDatabaseIsNamed) {
  open().reset();
  std::filesystem::resize_file(path(), 100);
  auto damaged = SqliteStore::open(path(), kStoreHost);
  ASSERT_FALSE(damaged);
  EXPECT_NE(damaged.error().text.find(path()), std::string::npos) << damaged.error().text;
}

TEST_F(StoreDirectory, TheCatalogIsThereAfterEachChange) {
  SeededRng rng(1);
  std::string node;
  {
    auto store = open();
    auto catalog = Catalog::open(*store, rng, kStoreStart);
    ASSERT_TRUE(catalog) << catalog.error().text;
    node = (*catalog)->node_id();
    EXPECT_EQ(node.size(), 32u);
    EXPECT_TRUE((*catalog)->find_cluster("default")->active);
    Revision revision{.family = "f",
                      .definition_json = "{}",
                      .tags = {{"k", "v"}},
                      .registered_by = "me",
                      .registered_at = kStoreStart};
    EXPECT_EQ((*catalog)->add(revision)->number, 1);
    EXPECT_EQ((*catalog)->add(revision)->number, 2);
    ASSERT_TRUE((*catalog)->remove(*(*catalog)->find_revision("f", 2)));
    Cluster cluster{.name = "x",
                    .active = false,
                    .capacity_providers = {"FARGATE"},
                    .default_strategy_json = "[1]",
                    .settings_json = "[2]",
                    .configuration_json = "[3]",
                    .service_connect_json = "[4]",
                    .tags = {{"a", "b"}},
                    .node = {.draining = true, .attributes = {{"c", "d"}}, .tags = {{"e", "f"}}}};
    ASSERT_TRUE((*catalog)->put(cluster));
    ASSERT_TRUE((*catalog)->put(AccountSetting{"", "containerInsights", "enabled"}));
    ASSERT_TRUE((*catalog)->put(AccountSetting{"arn", "containerInsights", "disabled"}));
    ASSERT_TRUE((*catalog)->remove(AccountSetting{"arn", "containerInsights", ""}));
  }
  auto store = open();
  auto catalog = Catalog::open(*store, rng, kStoreStart + std::chrono::hours(1));
  ASSERT_TRUE(catalog) << catalog.error().text;
  EXPECT_EQ((*catalog)->node_id(), node);
  EXPECT_EQ((*catalog)->node_registered_at(), kStoreStart);
  const Cluster* cluster = (*catalog)->find_cluster("x");
  ASSERT_NE(cluster, nullptr);
  EXPECT_TRUE(cluster->node.draining);
  EXPECT_EQ(cluster->service_connect_json, "[4]");
  EXPECT_EQ((*catalog)->settings(),
            (std::vector<AccountSetting>{{"", "containerInsights", "enabled"}}));
  EXPECT_EQ((*catalog)->find_revision("f", 1)->registered_by, "me");
  EXPECT_EQ((*catalog)->find_revision("f", 2), nullptr);
  EXPECT_EQ((*catalog)->add({.family = "f"})->number, 3);  // 2 is never given out again
}

}  // namespace
}  // namespace berth::scheduler
