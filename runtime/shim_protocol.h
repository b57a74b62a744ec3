// What agent and shim say to each other: JSON, one message per packet of a SOCK_SEQPACKET unix
// socket.
//
//   agent                                     shim
//     spawns it, fd 3 is the connection  -->  makes user and network namespaces
//     configures the networks            <--  namespaces  + 2 descriptors each (SCM_RIGHTS):
//                                             the namespace, an rtnetlink socket born inside
//     start                              -->  mounts, creates and starts containers in order
//                                        <--  container_created, container_started, ...
//                                        <--  container_health, when it changes
//                                        <--  container_restarted, with the record of what ended
//                                        <--  task_stopping, pre_stop_ended, container_exited
//     attach  + up to 3 descriptors      -->  who types at a container, and is shown what it prints
//                                        <--  attach_refused, output_missed: to that client alone
//     resize                             -->  the window of who types
//     signal                             -->  to the first process of a container
//     hold | resume                      -->  what runs is frozen, or goes on; nothing is started
//                                             meanwhile
//     stop | kill                        -->  (at any time; what is held goes on first)
//                                        <--  stop_requested: somebody asked, not only who hears it
//                                        <--  task_stopped, then it exits
//                                        <--  failed instead, when it never came to start
//   A later connection to shim.sock is told first what has happened so far, in the same messages;
//   of container_health and container_restarted the last of each container; then up_to_date.
#pragma once

#include "base/env.h"
#include "base/result.h"
#include "runtime/health.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace berth::runtime {

enum class ShimRequest { kStart, kStop, kKill, kHold, kResume, kAttach, kResize, kSignal };

// The window of a client's terminal; 0 by 0 when it has none.
struct Window {
  uint16_t columns = 0;
  uint16_t rows = 0;
  bool operator==(const Window&) const = default;
};

struct ShimOrder {
  ShimRequest request = ShimRequest::kStart;
  std::string container{};         // kAttach, kResize, kSignal
  Window window{};                 // kAttach, kResize
  int signal = 0;                  // kSignal
  bool in_the_foreground = false;  // kAttach: the container waits for this client
  bool operator==(const ShimOrder&) const = default;
};

std::string render_order(const ShimOrder& order);
std::string render_request(ShimRequest request);  // of those that need no more
Result<ShimOrder> parse_order(std::string_view text);

// How long a step took, for `berth run --timing`.
struct TimedStep {
  std::string name;
  Duration took{};
  bool operator==(const TimedStep&) const = default;
};

// How a container ended; also the content of its exit.json.
struct ExitRecord {
  std::string container;
  std::optional<int> exit_code;  // as a shell reports it; absent when it never ran
  bool oom_killed = false;
  // Of exit code 137 that is not for memory: why we killed it, "" when we did not. Absent: of
  // another code, or of a shim that did not say yet.
  std::optional<std::string> killed{};
  std::string reason;      // "CannotStartContainerError: ...", "" when there is nothing to say
  std::string started_at;  // RFC 3339, "" when it never ran
  std::string finished_at;
  int restarts = 0;  // how often it had been started again before
  bool operator==(const ExitRecord&) const = default;
};

std::string render_exit_record(const ExitRecord& record);
Result<ExitRecord> parse_exit_record(std::string_view text);

// What is known of a container's health, with what its last check had to say.
struct HealthReport {
  HealthStatus status = HealthStatus::kUnknown;
  std::optional<int> exit_code;  // of the last check; absent: it did not run to its end
  std::string output;            // of the last check, its beginning
  bool operator==(const HealthReport&) const = default;
};

struct ShimEvent {
  enum class Kind {
    kNamespaces,
    kContainerCreated,
    kContainerStarted,
    kContainerHealth,
    kContainerRestarted,
    kPreStopEnded,  // before its stop signal: `exit` and `text`, which is what it said
    kContainerExited,
    kStopRequested,
    kTaskStopping,  // it has been decided; containers may still run
    kTaskStopped,
    kFailed,
    kAttachRefused,  // `text` says why
    kOutputMissed,   // `text` says how much a client was not shown
    kUpToDate  // what came before has happened, what follows happens now; to later connections
  };
  Kind kind = Kind::kNamespaces;
  std::vector<std::string> namespaces;  // kNamespaces: names, in the order of the descriptors
  std::string container;                // all of a container
  int pid = 0;     // kContainerStarted, -Restarted: of its first process, as the host sees
  std::string at;  // RFC 3339
  std::optional<ExitRecord> exit;      // kContainerExited, kContainerRestarted, kPreStopEnded
  std::optional<HealthReport> health;  // kContainerHealth
  std::string text;                    // kFailed, kAttachRefused, kOutputMissed
  std::vector<TimedStep> steps;        // what took time since the last event
  bool operator==(const ShimEvent&) const = default;
};

std::string render_event(const ShimEvent& event);
Result<ShimEvent> parse_event(std::string_view text);

}  // namespace berth::runtime
