// What the core is told (Event) and what it tells (Command): values, nothing else. Events may come
// twice and out of order; the core takes from each what is still news. Commands are told once; the
// agent makes each harmless when it comes late.
#pragma once

#include "base/env.h"
#include "scheduler/model.h"

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace berth::scheduler {

// ---- Events: from users ----

struct RunTaskRequested {
  std::string task_id{};  // of make_task_id(); the same id twice is the same request
  TaskDefinition definition{};
  TaskRequest request{};
  // Container -> "sha256:...", what its tag means to the service; absent: what it means now.
  std::map<std::string, std::string> image_digests{};
  bool operator==(const RunTaskRequested&) const = default;
};

struct StopRequested {
  std::string task_id{};
  StopCode stop_code = StopCode::kUserInitiated;
  std::string reason{};  // "" for the stop code's own words
  bool operator==(const StopRequested&) const = default;
};

// Stop without grace: SIGKILL now, also when a stop is under way.
struct KillRequested {
  std::string task_id{};
  std::string reason{};
  bool operator==(const KillRequested&) const = default;
};

// The task has other tags from now on.
struct TagsChanged {
  std::string task_id{};
  std::vector<KeyValue> tags{};
  bool operator==(const TagsChanged&) const = default;
};

// Its service shall not stop it to scale in, or may again.
struct ProtectionChanged {
  std::string task_id{};
  std::optional<WallTime> until{};
  bool operator==(const ProtectionChanged&) const = default;
};

// Its service is held, or goes on: so does the task.
struct HoldChanged {
  std::string task_id{};
  bool is_held = false;
  bool operator==(const HoldChanged&) const = default;
};

// ---- Events: from the agent ----

// Addresses and ports are allocated.
struct TaskProvisioned {
  std::string task_id{};
  std::vector<NetworkInterface> network_interfaces{};                     // awsvpc: of the task
  std::map<std::string, std::vector<NetworkBinding>> network_bindings{};  // by container name
  bool operator==(const TaskProvisioned&) const = default;
};

struct ImagesPulled {
  std::string task_id{};
  std::map<std::string, std::string> digests{};  // container name -> "sha256:..."
  WallTime started_at{};
  WallTime stopped_at{};
  bool operator==(const ImagesPulled&) const = default;
};

struct ContainerStarted {
  std::string task_id{};
  std::string container{};
  WallTime at{};
  bool operator==(const ContainerStarted&) const = default;
};

// The health checks of a container have come to another verdict.
struct ContainerHealthChanged {
  std::string task_id{};
  std::string container{};
  ContainerHealth health{};
  bool operator==(const ContainerHealthChanged&) const = default;
};

// What ran in a container before its stop signal has ended, or was ended.
struct PreStopEnded {
  std::string task_id{};
  std::string container{};
  std::optional<int> exit_code{};  // absent: it did not run, or not to its end
  std::string output{};            // its beginning, or why it did not
  bool operator==(const PreStopEnded&) const = default;
};

// The container ended and was started again in its place, as its restart policy has it.
struct ContainerRestarted {
  std::string task_id{};
  std::string container{};
  int restart_count = 0;           // this one included
  std::optional<int> exit_code{};  // of the run that ended
  bool out_of_memory = false;
  WallTime at{};
  bool operator==(const ContainerRestarted&) const = default;
};

// The container will not run (any more).
struct ContainerExited {
  std::string task_id{};
  std::string container{};
  std::optional<int> exit_code{};  // absent when it never ran
  bool out_of_memory = false;      // the kernel killed it; gives the reason and, if absent, 137
  // Of 137 that is not for memory: why the agent killed it, "" when it did not; absent: unknown.
  std::optional<std::string> killed{};
  std::string reason{};  // "<ErrorName>: <text>", or ""
  WallTime at{};
  bool operator==(const ContainerExited&) const = default;
};

// Nothing of the task runs any more. The stop code and reason count when nobody decided the stop
// before (a start that failed in the shim: kTaskFailedToStart and the error's text).
struct TaskStopped {
  std::string task_id{};
  StopCode stop_code = StopCode::kEssentialContainerExited;
  std::string reason{};
  WallTime at{};
  bool operator==(const TaskStopped&) const = default;
};

enum class StartStage : uint8_t { kProvision, kPull, kCreate, kStart };

// "provision".
const char* name_of(StartStage stage);

// The task could not be started, and nothing of it runs: sent instead of TaskStopped.
struct StartFailed {
  std::string task_id{};
  StartStage stage = StartStage::kStart;
  std::string error_name{};  // "CannotPullContainerError", "ResourceInitializationError", ...
  std::string text{};
  std::string container{};  // the one that it is about; "" for the task as a whole
  bool operator==(const StartFailed&) const = default;
};

// Everything that the task had is given back.
struct TaskReleased {
  std::string task_id{};
  bool operator==(const TaskReleased&) const = default;
};

using Event =
    std::variant<RunTaskRequested, StopRequested, KillRequested, TagsChanged, ProtectionChanged,
                 HoldChanged, TaskProvisioned, ImagesPulled, ContainerStarted,
                 ContainerHealthChanged, PreStopEnded, ContainerRestarted, ContainerExited,
                 TaskStopped, StartFailed, TaskReleased>;

// "RunTaskRequested".
const char* name_of(const Event& event);
const std::string& task_id_of(const Event& event);

// ---- Commands ----

// Pull, provision and start. Ends with exactly one of StartFailed and TaskStopped.
struct StartTask {
  Task task;
  bool operator==(const StartTask&) const = default;
};

// Stop gracefully, in reverse dependency order. May come at any time after StartTask, also while it
// is at work (then it is to give up) and when the task stops by itself already.
struct StopTask {
  std::string task_id{};
  bool operator==(const StopTask&) const = default;
};

struct KillTask {
  std::string task_id{};
  bool operator==(const KillTask&) const = default;
};

// Freeze what runs of it, or let it go on. A stop lets it go on first.
struct HoldTask {
  std::string task_id{};
  bool is_held = false;
  bool operator==(const HoldTask&) const = default;
};

// Give back what the task had; answered by TaskReleased.
struct ReleaseTask {
  std::string task_id{};
  bool operator==(const ReleaseTask&) const = default;
};

using Command = std::variant<StartTask, StopTask, KillTask, HoldTask, ReleaseTask>;

// "StartTask".
const char* name_of(const Command& command);
const std::string& task_id_of(const Command& command);

}  // namespace berth::scheduler
