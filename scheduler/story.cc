#include "scheduler/story.h"

#include "base/text.h"
#include "scheduler/exit_code.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>

namespace berth::scheduler {
namespace {

constexpr size_t kDigestShown = 19;  // "sha256:" and 12 digits
constexpr int kSignalBase = 128;
constexpr int kKilledCode = kSignalBase + 9;

struct SignalText {
  int number;
  const char* name;
  const char* meaning;
};
constexpr std::array<SignalText, 10> kSignals{{
    {1, "SIGHUP", "its terminal went away"},
    {2, "SIGINT", "Ctrl-C"},
    {3, "SIGQUIT", "asked to quit"},
    {4, "SIGILL", "an instruction that this processor does not have"},
    {6, "SIGABRT", "it aborted: an assertion, or memory of its own that it found damaged"},
    {7, "SIGBUS", "memory that is not behind a mapping any more"},
    {8, "SIGFPE", "division by zero"},
    {9, "SIGKILL", "killed: out of memory, or stopTimeout was over"},
    {11, "SIGSEGV", "memory that is not its own"},
    {15, "SIGTERM", "asked to stop, and it ended by that"},
}};

// How each event is told.
struct Teller {
  std::string operator()(const RunTaskRequested& event) const {
    std::vector<std::string> names;
    for (const ContainerDefinition& container : event.definition.container_definitions) {
      names.push_back(container.name);
    }
    return fmt::format("asked to run {}: {}", event.definition.family, join(names, ", "));
  }
  std::string operator()(const StopRequested& event) const {
    return event.reason.empty() ? "asked to stop" : fmt::format("asked to stop: {}", event.reason);
  }
  std::string operator()(const KillRequested& event) const {
    return event.reason.empty() ? "asked to kill" : fmt::format("asked to kill: {}", event.reason);
  }
  std::string operator()(const TagsChanged& event) const {
    return fmt::format("it has {} tags now", event.tags.size());
  }
  std::string operator()(const ProtectionChanged& event) const {
    if (!event.until) return "its service may stop it to scale in";
    return fmt::format("protected from scale-in until {}", format_rfc3339(*event.until));
  }
  std::string operator()(const PreStopEnded& event) const {
    std::string how = event.exit_code ? fmt::format("exit code {}", *event.exit_code)
                                      : std::string("it did not run to its end");
    return fmt::format("container {}: its preStop has ended, {}{}{}", event.container, how,
                       event.output.empty() ? "" : ": ", event.output);
  }
  std::string operator()(const HoldChanged& event) const {
    return event.is_held ? "held: frozen until its service goes on" : "not held any more";
  }
  std::string operator()(const TaskProvisioned& event) const {
    std::vector<std::string> shown;
    for (const NetworkInterface& interface : event.network_interfaces) {
      shown.push_back(interface.private_ipv4_address);
      if (!interface.ipv6_address.empty()) shown.push_back(interface.ipv6_address);
    }
    for (const auto& [container, bindings] : event.network_bindings) {
      for (const NetworkBinding& binding : bindings) {
        shown.push_back(fmt::format("{} {}:{}->{}", container, binding.bind_ip, binding.host_port,
                                    binding.container_port));
      }
    }
    return shown.empty()
               ? "its ids are set aside"
               : fmt::format("its addresses and ports are set aside: {}", join(shown, ", "));
  }
  std::string operator()(const ImagesPulled& event) const {
    double seconds = std::chrono::duration<double>(event.stopped_at - event.started_at).count();
    std::string text = fmt::format("its images are there after {:.1f} s:", seconds);
    for (const auto& [container, digest] : event.digests) {
      text += fmt::format(" {} {}", container, digest.substr(0, kDigestShown));
    }
    return text;
  }
  std::string operator()(const ContainerStarted& event) const {
    return fmt::format("container {} started", event.container);
  }
  std::string operator()(const ContainerHealthChanged& event) const {
    return "container " + summarize(event.container, event.health);
  }
  std::string operator()(const ContainerRestarted& event) const {
    return fmt::format("container {} ({} so far)", summarize(event), event.restart_count);
  }
  std::string operator()(const ContainerExited& event) const {
    std::string text = event.exit_code ? fmt::format("container {} exited with code {}",
                                                     event.container, *event.exit_code)
                                       : fmt::format("container {} did not run", event.container);
    std::string reason = event.out_of_memory ? kOutOfMemoryReason : event.reason;
    if (!reason.empty()) return fmt::format("{}: {}", text, reason);
    std::string meaning = event.exit_code ? meaning_of_end(*event.exit_code, event.killed) : "";
    return meaning.empty() ? text : fmt::format("{} ({})", text, meaning);
  }
  std::string operator()(const TaskStopped& event) const {
    // That an essential container has exited was told when it did, if it was that.
    bool is_news = !event.reason.empty() && event.reason != kEssentialExitedReason;
    if (!is_news) return "nothing of it runs any more";
    return fmt::format("nothing of it runs any more: {}", event.reason);
  }
  std::string operator()(const StartFailed& event) const {
    std::string whose = event.container.empty() ? "the task" : "container " + event.container;
    return fmt::format("{} could not be started ({}): {}: {}", whose, name_of(event.stage),
                       event.error_name, event.text);
  }
  std::string operator()(const TaskReleased&) const { return "what it had is given back"; }
};

struct Whose {
  template <class Event>
  std::string operator()(const Event& event) const {
    if constexpr (requires { event.container; }) {
      return event.container;
    } else {
      return "";
    }
  }
};

std::string decision_of(const Task& task) {
  if (task.desired_status != DesiredStatus::kStopped) return "";
  std::string code = task.stop_code ? name_of(*task.stop_code) : "";
  return task.stopped_reason.empty() ? code : fmt::format("{}: {}", code, task.stopped_reason);
}

}  // namespace

StoryLine story_line_of(const Change& change, bool is_decided) {
  StoryLine line;
  line.at = format_rfc3339(change.at);
  line.event = name_of(change.cause);
  line.container = std::visit(Whose(), change.cause);
  line.text = std::visit(Teller(), change.cause);
  line.status = name_of(change.task.last_status());
  if (!is_decided) line.decision = decision_of(change.task);
  return line;
}

std::string meaning_of_end(int code, const std::optional<std::string>& killed) {
  if (!killed || code != kKilledCode) return meaning_of_exit_code(code);
  const char* by_others =
      "neither by berth nor for its memory: by a process of the container or of the host";
  return fmt::format("128 + {}: SIGKILL, {}", code - kSignalBase,
                     killed->empty() ? by_others : *killed);
}

std::string meaning_of_exit_code(int code) {
  if (code == 126) return "126: the program could not be executed";
  if (code == 127) return "127: the shell did not find a command";
  auto found = std::ranges::find(kSignals, code - kSignalBase, &SignalText::number);
  if (found == kSignals.end()) return "";
  return fmt::format("128 + {}: {}, {}", found->number, found->name, found->meaning);
}

}  // namespace berth::scheduler
