// The words of ECS for all enumerations of the folder.
#include "scheduler/messages.h"
#include "scheduler/model.h"
#include "scheduler/task_definition.h"

namespace berth::scheduler {

const char* name_of(NetworkMode mode) {
  switch (mode) {
    case NetworkMode::kBridge:
      return "bridge";
    case NetworkMode::kHost:
      return "host";
    case NetworkMode::kAwsvpc:
      return "awsvpc";
    case NetworkMode::kNone:
      return "none";
  }
  return "";
}

const char* name_of(FirelensType type) {
  return type == FirelensType::kFluentd ? "fluentd" : "fluentbit";
}

const char* name_of(PidMode mode) {
  switch (mode) {
    case PidMode::kPrivate:
      return "";
    case PidMode::kHost:
      return "host";
    case PidMode::kTask:
      return "task";
  }
  return "";
}

const char* name_of(IpcMode mode) {
  switch (mode) {
    case IpcMode::kPrivate:
      return "";
    case IpcMode::kHost:
      return "host";
    case IpcMode::kTask:
      return "task";
    case IpcMode::kNone:
      return "none";
  }
  return "";
}

const char* name_of(Protocol protocol) {
  switch (protocol) {
    case Protocol::kTcp:
      return "tcp";
    case Protocol::kUdp:
      return "udp";
  }
  return "";
}

const char* name_of(Condition condition) {
  switch (condition) {
    case Condition::kStart:
      return "START";
    case Condition::kComplete:
      return "COMPLETE";
    case Condition::kSuccess:
      return "SUCCESS";
    case Condition::kHealthy:
      return "HEALTHY";
  }
  return "";
}

const char* name_of(CpuArchitecture architecture) {
  switch (architecture) {
    case CpuArchitecture::kX86_64:
      return "X86_64";
    case CpuArchitecture::kArm64:
      return "ARM64";
  }
  return "";
}

const char* name_of(TaskStatus status) {
  switch (status) {
    case TaskStatus::kProvisioning:
      return "PROVISIONING";
    case TaskStatus::kPending:
      return "PENDING";
    case TaskStatus::kActivating:
      return "ACTIVATING";
    case TaskStatus::kRunning:
      return "RUNNING";
    case TaskStatus::kDeactivating:
      return "DEACTIVATING";
    case TaskStatus::kStopping:
      return "STOPPING";
    case TaskStatus::kDeprovisioning:
      return "DEPROVISIONING";
    case TaskStatus::kStopped:
      return "STOPPED";
  }
  return "";
}

const char* name_of(DesiredStatus status) {
  switch (status) {
    case DesiredStatus::kRunning:
      return "RUNNING";
    case DesiredStatus::kStopped:
      return "STOPPED";
  }
  return "";
}

const char* name_of(ContainerStatus status) {
  switch (status) {
    case ContainerStatus::kPending:
      return "PENDING";
    case ContainerStatus::kRunning:
      return "RUNNING";
    case ContainerStatus::kStopped:
      return "STOPPED";
  }
  return "";
}

const char* name_of(HealthStatus status) {
  switch (status) {
    case HealthStatus::kUnknown:
      return "UNKNOWN";
    case HealthStatus::kHealthy:
      return "HEALTHY";
    case HealthStatus::kUnhealthy:
      return "UNHEALTHY";
  }
  return "";
}

const char* name_of(StopCode code) {
  switch (code) {
    case StopCode::kTaskFailedToStart:
      return "TaskFailedToStart";
    case StopCode::kEssentialContainerExited:
      return "EssentialContainerExited";
    case StopCode::kUserInitiated:
      return "UserInitiated";
    case StopCode::kServiceSchedulerInitiated:
      return "ServiceSchedulerInitiated";
    case StopCode::kSpotInterruption:
      return "SpotInterruption";
    case StopCode::kTerminationNotice:
      return "TerminationNotice";
  }
  return "";
}

const char* name_of(StartStage stage) {
  switch (stage) {
    case StartStage::kProvision:
      return "provision";
    case StartStage::kPull:
      return "pull";
    case StartStage::kCreate:
      return "create";
    case StartStage::kStart:
      return "start";
  }
  return "";
}

namespace {

struct EventName {
  const char* operator()(const RunTaskRequested&) const { return "RunTaskRequested"; }
  const char* operator()(const StopRequested&) const { return "StopRequested"; }
  const char* operator()(const KillRequested&) const { return "KillRequested"; }
  const char* operator()(const TagsChanged&) const { return "TagsChanged"; }
  const char* operator()(const ProtectionChanged&) const { return "ProtectionChanged"; }
  const char* operator()(const HoldChanged&) const { return "HoldChanged"; }
  const char* operator()(const TaskProvisioned&) const { return "TaskProvisioned"; }
  const char* operator()(const ImagesPulled&) const { return "ImagesPulled"; }
  const char* operator()(const ContainerStarted&) const { return "ContainerStarted"; }
  const char* operator()(const ContainerHealthChanged&) const { return "ContainerHealthChanged"; }
  const char* operator()(const PreStopEnded&) const { return "PreStopEnded"; }
  const char* operator()(const ContainerRestarted&) const { return "ContainerRestarted"; }
  const char* operator()(const ContainerExited&) const { return "ContainerExited"; }
  const char* operator()(const TaskStopped&) const { return "TaskStopped"; }
  const char* operator()(const StartFailed&) const { return "StartFailed"; }
  const char* operator()(const TaskReleased&) const { return "TaskReleased"; }
};

struct CommandName {
  const char* operator()(const StartTask&) const { return "StartTask"; }
  const char* operator()(const StopTask&) const { return "StopTask"; }
  const char* operator()(const KillTask&) const { return "KillTask"; }
  const char* operator()(const HoldTask&) const { return "HoldTask"; }
  const char* operator()(const ReleaseTask&) const { return "ReleaseTask"; }
};

struct TaskIdOf {
  const std::string& operator()(const StartTask& command) const { return command.task.id; }
  template <class Message>
  const std::string& operator()(const Message& message) const {
    return message.task_id;
  }
};

}  // namespace

const char* name_of(const Event& event) {
  return std::visit(EventName{}, event);
}
const std::string& task_id_of(const Event& event) {
  return std::visit(TaskIdOf{}, event);
}
const char* name_of(const Command& command) {
  return std::visit(CommandName{}, command);
}
const std::string& task_id_of(const Command& command) {
  return std::visit(TaskIdOf{}, command);
}

}  // namespace berth::scheduler
