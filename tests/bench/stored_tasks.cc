// stored_tasks DATABASE COUNT [killed]: a berthd's database with COUNT tasks more that stopped just
// now, each as a life of two containers leaves it. berthd keeps them for an hour. "killed": as who
// is killed leaves it, with 15 MiB in the write-ahead log, just before they would be written back.
#include "base/ids.h"
#include "base/text.h"
#include "scheduler/core.h"
#include "scheduler/definition_source.h"
#include "scheduler/sqlite_store.h"
#include "sys/clock.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace berth {
namespace {

constexpr auto kHost = scheduler::CpuArchitecture::kX86_64;
constexpr uint64_t kAtATime = 500;  // tasks of a transaction
constexpr int kLogRecords = 15;     // of a MiB each; the log is written back at 4,000 pages
constexpr size_t kLogRecordBytes = 1024 * 1024;

const char* const kDefinition = R"({"family": "web", "networkMode": "awsvpc", "cpu": "256",
  "memory": "512", "containerDefinitions": [
    {"name": "web", "image": "127.0.0.1:5000/nginx:latest", "portMappings": [{"containerPort": 80}],
     "environment": [{"name": "STAGE", "value": "test"}]},
    {"name": "side", "image": "127.0.0.1:5000/busybox:latest", "essential": false,
     "command": ["sleep", "1000"]}]})";

std::vector<scheduler::Event> life_of(const scheduler::RunTaskRequested& request, WallTime at) {
  const std::string& id = request.task_id;
  return {
      request,
      scheduler::TaskProvisioned{.task_id = id,
                                 .network_interfaces = {{.private_ipv4_address = "172.29.0.2",
                                                         .mac_address = "02:00:00:00:00:01"}}},
      scheduler::ImagesPulled{.task_id = id,
                              .digests = {{"web", "sha256:" + std::string(64, '1')},
                                          {"side", "sha256:" + std::string(64, '2')}},
                              .started_at = at,
                              .stopped_at = at},
      scheduler::ContainerStarted{.task_id = id, .container = "web", .at = at},
      scheduler::ContainerStarted{.task_id = id, .container = "side", .at = at},
      scheduler::ContainerExited{.task_id = id, .container = "web", .exit_code = 1, .at = at},
      scheduler::ContainerExited{.task_id = id, .container = "side", .exit_code = 137, .at = at},
      scheduler::TaskStopped{.task_id = id, .at = at},
      scheduler::TaskReleased{.task_id = id}};
}

Status fill(const std::string& path, uint64_t count) {
  sys::SystemClock clock;
  sys::SystemRng rng;
  auto store = TRY(scheduler::SqliteStore::open(path, kHost));
  scheduler::Core core(*store, rng);
  scheduler::RunTaskRequested request;
  request.request = {.definition_json = kDefinition, .revision = 1, .launch_type = "EC2"};
  request.definition = TRY(scheduler::make_definition({kDefinition, "", "EC2", ""}, kHost));
  for (uint64_t made = 0; made < count;) {
    for (uint64_t end = std::min(count, made + kAtATime); made < end; ++made) {
      request.task_id = make_task_id(rng);
      for (scheduler::Event& event : life_of(request, clock.wall())) core.submit(std::move(event));
    }
    TRY(core.step(clock.wall()));
  }
  return {};
}

// The log, which was empty. Does not return: the store is not closed.
Status fill_log_and_die(const std::string& path) {
  auto store = TRY(scheduler::SqliteStore::open(path, kHost));
  for (int i = 0; i < kLogRecords; ++i) {
    std::string body(kLogRecordBytes, static_cast<char>('a' + i));
    TRY(store->write({{"bench", "filler", std::move(body)}}));
  }
  std::_Exit(0);
}

}  // namespace
}  // namespace berth

int main(int argc, char** argv) {
  bool is_killed = argc == 4 && std::string_view(argv[3]) == "killed";
  auto count = argc == 3 || is_killed ? berth::parse_u64(argv[2]) : std::nullopt;
  if (!count) {
    std::fprintf(stderr, "usage: stored_tasks DATABASE COUNT [killed]\n");
    return 2;
  }
  auto filled = berth::fill(argv[1], *count);
  if (filled && is_killed) filled = berth::fill_log_and_die(argv[1]);
  if (filled) return 0;
  std::fprintf(stderr, "stored_tasks: %s\n", filled.error().text.c_str());
  return 1;
}
