// The core against seeded disorder: all events of a task's life, duplicated and shuffled; the
// answer to ReleaseTask comes as on any day. Whatever the order, a task moves only forward and
// ends.
#include "scheduler/core.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

namespace berth::scheduler {
namespace {

constexpr int kSeeds = 2000;

std::vector<Event> life_of(const std::string& id, std::mt19937_64& random) {
  std::vector<Event> events = {
      TaskProvisioned{.task_id = id},
      ImagesPulled{.task_id = id},
      ContainerStarted{.task_id = id, .container = "a"},
      ContainerStarted{.task_id = id, .container = "b"},
      ContainerHealthChanged{
          .task_id = id, .container = "a", .health = {.status = HealthStatus::kHealthy}},
      ContainerRestarted{.task_id = id, .container = "a", .restart_count = 1},
      ContainerExited{.task_id = id, .container = "a", .exit_code = 3},
      ContainerExited{.task_id = id, .container = "b", .exit_code = 0},
  };
  if (random() % 3 == 0) events.push_back(StopRequested{.task_id = id});
  if (random() % 4 == 0) events.push_back(KillRequested{.task_id = id});
  events.push_back(random() % 4 == 0 ? Event(StartFailed{.task_id = id, .error_name = "E"})
                                     : Event(TaskStopped{.task_id = id}));
  size_t count = events.size();
  for (size_t i = 0; i < count; ++i) {
    if (random() % 2 == 0) events.push_back(events[i]);
  }
  std::shuffle(events.begin(), events.end(), random);
  return events;
}

void step(Core& core, std::map<std::string, int>& told) {
  auto commands = core.step(WallTime{});
  ASSERT_TRUE(commands);
  for (const Command& command : *commands) ++told[name_of(command)];
}

TEST(Simulation, AnyOrderOfEventsEndsTheTaskOnce) {
  for (int seed = 0; seed < kSeeds; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(static_cast<uint64_t>(seed));
    SeededRng rng(static_cast<uint64_t>(seed));
    MemoryStore store;
    Core core(store, rng);
    std::map<std::string, int> told;
    RunTaskRequested request{.task_id = "t"};
    request.definition.container_definitions = {{.name = "a", .image = "i"},
                                                {.name = "b", .image = "i", .essential = false}};
    if (random() % 2 == 0) request.definition.network_mode = NetworkMode::kAwsvpc;
    std::vector<Event> events = life_of("t", random);
    events.insert(events.begin(), request);
    events.push_back(request);
    for (const Event& event : events) {
      core.submit(event);
      if (random() % 3 == 0) continue;  // several events in one step
      step(core, told);
      if (told["ReleaseTask"] > 0 && random() % 2 == 0) core.submit(TaskReleased{"t"});
    }
    core.submit(TaskReleased{"t"});
    step(core, told);
    core.submit(TaskReleased{"t"});
    step(core, told);

    EXPECT_EQ(core.find_task("t")->last_status(), TaskStatus::kStopped);
    EXPECT_EQ(told["StartTask"], 1);
    EXPECT_EQ(told["ReleaseTask"], 1);
    EXPECT_LE(told["StopTask"], 1);
    EXPECT_LE(told["KillTask"], 1);
    TaskStatus last = TaskStatus::kProvisioning;
    for (const Change& change : store.history("t", 0)) {
      EXPECT_GE(change.task.last_status(), last);
      last = change.task.last_status();
    }
  }
}

}  // namespace
}  // namespace berth::scheduler
