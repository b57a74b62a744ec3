// Starting a program: clone (in our memory until it is one) and execve, the only ones besides the
// container's own clone3.
#pragma once

#include "base/result.h"
#include "sys/fd.h"

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <sys/types.h>

namespace berth::sys {

// How a process ended.
struct ExitStatus {
  int code = 0;    // exit(2) status when signal is 0
  int signal = 0;  // the signal that ended it, or 0
  // As a shell reports it: the code, or 128 + signal.
  int shell_code() const { return signal != 0 ? 128 + signal : code; }
};

struct Program {
  std::string path;                    // absolute, or searched for in PATH when it has no '/'
  std::vector<std::string> arguments;  // argv, argv[0] included
  std::optional<std::vector<std::string>> environment;  // "K=V"; nothing: inherit
  // {our fd (borrowed), the number that the program sees}. All others are closed.
  std::vector<std::pair<int, int>> descriptors;
  bool new_session = false;       // setsid(2)
  int controlling_terminal = -1;  // of the new session: one of the numbers that the program sees
  bool dies_with_us = false;      // SIGKILL when the thread that spawned it ends
  std::string working_directory;  // "" keeps ours
  int network_namespace = -1;     // borrowed: entered before the program begins; -1 keeps ours
};

// A started process. The destructor does not wait and does not kill; the zombie stays ours until
// wait() is called.
struct Process {
  pid_t pid = -1;
  Fd pidfd;
};

// Starts the program with default signal handlers and an empty signal mask. An exec that fails is
// reported here, with its errno.
Result<Process> spawn(const Program& program);

// The same for a program that nobody waits for: a child of init's (or of the nearest subreaper) and
// not of ours, which leaves us no zombie.
Status spawn_orphan(const Program& program);

// Waits for the process to end and reaps it.
Result<ExitStatus> wait(const Process& process);
// Whether the process ends within so long; it is not reaped.
Result<bool> ends_within(const Process& process, std::chrono::milliseconds patience);
// The status if it has ended (reaped), nothing if it runs.
Result<std::optional<ExitStatus>> try_wait(pid_t pid);

struct Reaped {
  pid_t pid = -1;
  ExitStatus status;
};
// Any child that has ended (reaped), nothing if none has; kNotFound when there are no children.
Result<std::optional<Reaped>> reap_any();

// Kill through the pidfd, so that a recycled pid is never hit. A process already gone is success.
Status send_signal(const Process& process, int signal);

// pidfd_open(2).
Result<Fd> open_pidfd(pid_t pid);

struct ProcessStat {
  char state = '?';         // 'R', 'S', ... 'Z' for a zombie, 'X' for one that is dying
  uint64_t start_time = 0;  // clock ticks since boot: with the pid, the identity of a process
};
// Of /proc/PID/stat; kNotFound when the process is gone.
Result<ProcessStat> stat_of(pid_t pid);
// Its start time alone.
Result<uint64_t> start_time_of(pid_t pid);
// environ(7) as it is now.
std::vector<std::string> own_environment();
// getpid(2).
pid_t own_pid();

struct Output {
  ExitStatus status;
  std::string out;  // standard output, at most `output_max` bytes
  std::string err;  // standard error, likewise
};
constexpr size_t kOutputMax = 1024 * 1024;
// Runs the program to its end with `input` on its standard input; descriptors 0-2 are ours to set.
Result<Output> run_program(Program program, const std::string& input);

}  // namespace berth::sys
