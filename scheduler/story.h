// What happened to a task, for people: each change with its cause as one line, and what decided its
// end. Pure.
#pragma once

#include "scheduler/change.h"

#include <optional>
#include <string>
#include <vector>

namespace berth::scheduler {

struct StoryLine {
  std::string at{};         // RFC 3339
  std::string event{};      // "ContainerExited"
  std::string container{};  // that it is about; "" for the task
  std::string text{};       // "container web exited with code 137"
  std::string status{};     // of the task after it: "RUNNING"
  // What was decided with it: "" or the stop code and its reason. The first such line is why a task
  // ends.
  std::string decision{};
  bool operator==(const StoryLine&) const = default;
};

// `before`: whether the end was decided already.
StoryLine story_line_of(const Change& change, bool is_decided);

// What an exit code says beyond its number: "128 + 9: SIGKILL", "command not found"; "" for
// nothing.
std::string meaning_of_exit_code(int code);

// The same of a container that ended so, where `killed` (of ContainerExited) tells who sent a
// SIGKILL.
std::string meaning_of_end(int code, const std::optional<std::string>& killed);

}  // namespace berth::scheduler
