// A step towards a running task, for people: who takes it, by which system calls, what for, and
// where it can be seen afterwards. The folders that take steps describe them from the plans that
// they carry out (runtime/explain.h, netns/explain.h), so that what `berth explain` shows is what
// is done.
#pragma once

#include <string>
#include <vector>

namespace berth {

// Where a step can be seen: a line of `file` has all of `words`, in this order.
struct Look {
  std::string file{};  // kPid stands for the container's first process
  std::vector<std::string> words{};
  // `file` is a link of /proc/PID/ns, and names another namespace than the host's.
  bool own_namespace = false;
  bool operator==(const Look&) const = default;
};
constexpr const char* kPid = "PID";

struct Step {
  std::string stage{};               // "mounts", as errors and runtime/sync.h name it
  std::string effect{};              // "tmpfs on /dev/shm, 64 MiB"
  std::vector<std::string> calls{};  // system calls and what is written to files, in order
  std::string purpose{};             // what it protects, or whom it serves
  std::string by_hand{};             // shell commands that would do the same
  std::string asked_by{};            // field of config.json or task.json: "process.user"
  std::vector<Look> looks{};
  bool operator==(const Step&) const = default;
};

}  // namespace berth
