#include "runtime/task_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace berth::runtime {
namespace {

using nlohmann::json;
using testing::HasSubstr;

TaskPlan full_plan() {
  TaskPlan plan;
  plan.task_id = "0123";
  plan.directory = "/run/berth/tasks/0123";
  plan.oci_runtime = "/usr/bin/berth-oci";
  plan.oci_root = "/run/berth/oci";
  plan.foreground = true;
  plan.ids = IdRangePlan{4294901760U, 65536};
  plan.user_namespace = "/run/berth/tasks/0123/ns/user";
  plan.networks = {{"task", "/ns/task", true}, {"web", "/ns/web", false, true}};
  plan.pid_namespace = "/ns/pid";
  plan.ipc_namespace = "/ns/ipc";
  plan.ephemeral_storage = EphemeralStoragePlan{"/t/e.img", "/t/e", {"/t/e/volumes/v"}};
  plan.shared_memory = SharedMemoryPlan{"/ns/shm", uint64_t{3} << 30};
  plan.endpoint = EndpointPlan{{"/bin/berth", "system", "endpoint", "0123"}, true};
  plan.resolver = ResolverPlan{{"/bin/berth-resolver", "--domain", "a"}, /*ipv6=*/true};
  plan.names = NamesPlan{"/run/berth/names", {{"web.a", "A 172.29.0.5"}, {"b", "PTR web.a"}}};
  plan.cgroup = "/berth/i/0123";
  plan.limits = {25000, 512, int64_t{64} << 30, 4096};
  ContainerPlan web;
  web.name = "web";
  web.id = "0123-web";
  web.bundle = "/b/web";
  web.rootfs = {{"/l/0", "/l/1 with space"}, "/u", "/w", "/b/web/rootfs"};
  web.cgroup = "/berth/i/0123/web";
  web.log.mode = LogMode::kNonBlocking;
  web.log.buffer_bytes = 10 << 20;
  web.log.driver = LogDriverKind::kAwslogs;
  web.log.buffer_lines = 7;
  web.log.receiver = {sys::Transport::kTcp, "127.0.0.1", 24224};
  web.log.settings = {{"tag", "a\nb"}};
  web.log.event_pattern = "^\\d";
  web.log.line_max = 262118;
  web.log.file = {"/logs/web.log", 1000000, 3, true};
  web.log.attributes = {{"tag", "a b"}, {"\xc3\xa4", ""}};
  web.exit_file = "/b/web/exit.json";
  web.restarts_file = "/b/web/restarts.json";
  web.restart = RestartPlan{{0, 143}, 60000};
  web.pre_stop = {"sh", "-c", "drain"};
  web.essential = false;
  web.own_pids = false;
  web.console_socket = "/run/berth/tasks/0123/console.sock";
  web.open_input = true;
  web.create_early = true;
  web.depends_on = {{"a", DependencyCondition::kStart},
                    {"b", DependencyCondition::kComplete},
                    {"c", DependencyCondition::kSuccess},
                    {"a", DependencyCondition::kHealthy}};
  web.health_check = HealthCheckPlan{{"/bin/sh", "-c", "a \"b\""}, 5000, 2000, 10, 300000};
  web.start_timeout_seconds = 120;
  web.stop_timeout_seconds = 2;
  web.stop_signal = 3;
  ContainerPlan plain = web;
  plain.name = "\xc3\xa4";
  plain.depends_on.clear();
  plain.health_check.reset();
  plain.restart.reset();
  plain.start_timeout_seconds.reset();
  plain.essential = true;
  plain.create_early = false;
  plan.containers = {web, plain};
  plan.containers[1].fills = {{"/v/data/_data", "/data", "/v/data/fill.lock"}};
  VolumePlan nfs;
  nfs.name = "data";
  nfs.path = "/run/t/volumes/data";
  nfs.type = "nfs";
  nfs.source = ":/export";
  nfs.options = {"ro", "addr=10.0.0.2"};
  nfs.root = "/team";
  nfs.on_failure = "no volume";
  plan.volumes = {nfs};
  for (const char* name : {"a", "b", "c"}) {
    plan.containers.push_back(plain);
    plan.containers.back().name = name;
  }
  return plan;
}

TEST(TaskPlan, RoundTrip) {
  TaskPlan bare;
  bare.task_id = "t";
  for (const TaskPlan& plan : {full_plan(), bare}) {
    auto parsed = parse_task_plan(render_task_plan(plan), "task.json");
    ASSERT_TRUE(parsed) << parsed.error().text;
    EXPECT_EQ(*parsed, plan);
  }
}

TEST(TaskPlan, ErrorNamesThePath) {
  struct Case {
    const char* pointer;
    json value;  // null: the member is taken away
    const char* path;
  };
  const Case kCases[] = {
      {"/version", 2, "version: 2, this shim reads 1"},
      {"/version", nullptr, "version: is required"},
      {"/taskId", 5, "taskId: must be"},
      {"/directory", nullptr, "directory: is required"},
      {"/foreground", "yes", "foreground: must be"},
      {"/ids/size", "x", "ids.size: must be"},
      {"/ids/first", 4294967296, "ids.first: "},
      {"/ids/size", -1, "ids.size: "},
      {"/networks/1/path", nullptr, "networks[1].path: is required"},
      {"/networks", "x", "networks: must be"},
      {"/limits", nullptr, "limits: is required"},
      {"/volumes/0/path", nullptr, "volumes[0].path: is required"},
      {"/containers/1/fills/0/volume", 1, "containers[1].fills[0].volume: must be"},
      {"/limits/cpuShares", -5, "limits.cpuShares: "},
      {"/limits/pids", true, "limits.pids: must be"},
      {"/limits/memoryBytes", "1g", "limits.memoryBytes: must be"},
      {"/containers/0/name", nullptr, "containers[0].name: is required"},
      {"/containers/0/rootfs", nullptr, "containers[0].rootfs: is required"},
      {"/containers/0/rootfs/layers/1", 7, "containers[0].rootfs.layers[1]: must be"},
      {"/containers/1/rootfs/target", 7, "containers[1].rootfs.target: must be"},
      {"/containers/0/essential", nullptr, "containers[0].essential: is required"},
      {"/containers/0/restart/ignoredExitCodes/1", -1,
       "containers[0].restart.ignoredExitCodes[1]: "},
      {"/containers/0/restart/attemptPeriodMs", nullptr,
       "containers[0].restart.attemptPeriodMs: is required"},
      {"/containers/0/healthCheck/args", nullptr, "containers[0].healthCheck.args: is required"},
      {"/containers/0/healthCheck/retries", -1, "containers[0].healthCheck.retries: "},
      {"/containers/0/healthCheck/timeoutMs", "1", "containers[0].healthCheck.timeoutMs: must be"},
      {"/containers/0/dependsOn/2/condition", "ILL",
       "containers[0].dependsOn[2].condition: no such condition"},
      {"/containers/0/dependsOn/0/container", nullptr,
       "containers[0].dependsOn[0].container: is required"},
      {"/containers/0/startTimeout", -1, "containers[0].startTimeout: "},
      {"/containers/0/startTimeout", 4294967296, "containers[0].startTimeout: "},
      {"/containers/0/stopTimeout", -1, "containers[0].stopTimeout: "},
      {"/containers/0/stopSignal", 4294967296, "containers[0].stopSignal: "},
      {"/containers/0/stopSignal", "TERM", "containers[0].stopSignal: must be"},
      {"/containers/0/dependsOn/0/container", "nobody",
       "containers[0].dependsOn[0].container: no such container"},
  };
  for (const Case& one : kCases) {
    SCOPED_TRACE(one.pointer);
    json text = json::parse(render_task_plan(full_plan()));
    text[json::json_pointer(one.pointer)] = one.value;
    auto parsed = parse_task_plan(text.dump(), "task.json");
    ASSERT_FALSE(parsed);
    EXPECT_THAT(parsed.error().text, HasSubstr(one.path));
    EXPECT_THAT(parsed.error().text, HasSubstr("task.json"));
  }
}

TEST(TaskPlan, RefusesWhatIsNoPlan) {
  for (const char* text : {"", "[]", "{", "null", "{\"version\":1}"}) {
    EXPECT_FALSE(parse_task_plan(text, "task.json")) << text;
  }
  EXPECT_FALSE(parse_task_plan(std::string(kTaskPlanMax + 1, ' '), "task.json"));
}

}  // namespace
}  // namespace berth::runtime
