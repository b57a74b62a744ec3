#include "sys/spawn.h"

#include "base/text.h"
#include "sys/call.h"
#include "sys/file.h"
#include "sys/process.h"
#include "sys/scheduling.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>

namespace berth::sys {
namespace {

// Everything the child needs, made before there is one: it must not allocate.
struct Launch {
  const char* path;
  char* const* argv;
  char* const* envp;
  const std::vector<std::pair<int, int>>* descriptors;
  int* scratch;  // as many ints as descriptors
  const char* working_directory;
  bool new_session;
  int controlling_terminal;
  bool dies_with_us;
  int network_namespace;
  bool is_orphan;
  pid_t parent;
  int error_pipe;
  const cpu_set_t* processors;  // null: those of the thread that starts it
};

std::vector<char*> pointers_to(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (const std::string& string : strings) pointers.push_back(const_cast<char*>(string.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

std::string find_in_path(const std::string& name) {
  if (name.find('/') != std::string::npos) return name;
  const char* path = std::getenv("PATH");
  for (const std::string& directory :
       split(path != nullptr ? path : "/usr/sbin:/usr/bin:/sbin:/bin", ':')) {
    std::string candidate = (directory.empty() ? "." : directory) + "/" + name;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return name;
}

// The kernel's own, for the two that need no code of ours.
struct Disposition {
  void (*handler)(int);
  unsigned long flags;
  void (*restorer)();
  uint64_t mask;
};

// Past the C library, and past what a sanitizer has put before it: both keep an account of their
// own, which here would be our parent's.
void set_disposition(int signal, void (*handler)(int)) {
  Disposition disposition{.handler = handler, .flags = 0, .restorer = nullptr, .mask = 0};
  ::syscall(SYS_rt_sigaction, signal, &disposition, nullptr, sizeof(disposition.mask));
}

void unblock_signals() {
  uint64_t none = 0;
  ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, nullptr, sizeof(none));
}

void tell_error(int pipe, int error) {
  (void)::syscall(SYS_write, pipe, &error, sizeof(error));
}

// Not _exit(3): a sanitizer would end its account of our parent.
[[noreturn]] void leave(int code) {
  while (true) ::syscall(SYS_exit_group, code);
}

// Child side, in the memory of the thread that waits for us: no allocation, no locks, nothing
// written but what is ours. Files, directory and signals are our own already.
[[noreturn]] void become(const Launch& launch) {
  auto die = [&] {
    tell_error(launch.error_pipe, errno);
    leave(127);
  };
  // First: signals to the group that we leave are not the program's, and until it has left there is
  // no telling them apart. Those that have come meanwhile wait, blocked; ignoring them once drops
  // them (signal(7)).
  if (launch.new_session) ::setsid();
  if (launch.is_orphan) {
    long program = raw_clone3(0, -1, SIGCHLD, nullptr);
    if (program < 0) die();
    if (program > 0) leave(0);
  }
  for (int signal = 1; signal < 65; ++signal) {
    if (launch.new_session) set_disposition(signal, SIG_IGN);
    set_disposition(signal, SIG_DFL);
  }
  unblock_signals();
  // Should they have been taken from it meanwhile, it has what it has.
  if (launch.processors != nullptr) {
    (void)::syscall(SYS_sched_setaffinity, 0, sizeof(cpu_set_t), launch.processors);
  }
  if (launch.dies_with_us) {
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) die();
    if (::getppid() != launch.parent) leave(127);  // it ended before we asked to be told
  }
  int network = launch.network_namespace;
  if (network >= 0 && ::setns(network, CLONE_NEWNET) != 0) die();
  if (launch.working_directory[0] != '\0' && ::chdir(launch.working_directory) != 0) die();

  // Two passes, so that a source that is another one's target is not overwritten: first move every
  // source (and the error pipe) above all targets, then down to its place.
  int highest = 2;
  for (const auto& [ours, theirs] : *launch.descriptors) highest = std::max(highest, theirs);
  int error_pipe = ::fcntl(launch.error_pipe, F_DUPFD_CLOEXEC, highest + 1);
  if (error_pipe < 0) die();
  size_t count = launch.descriptors->size();
  for (size_t i = 0; i < count; ++i) {
    launch.scratch[i] = ::fcntl((*launch.descriptors)[i].first, F_DUPFD_CLOEXEC, highest + 1);
    if (launch.scratch[i] < 0) die();
  }
  for (size_t i = 0; i < count; ++i) {
    int theirs = (*launch.descriptors)[i].second;  // never the same: ours are above all of theirs
    if (::syscall(SYS_dup3, launch.scratch[i], theirs, 0) < 0) die();
  }
  int terminal = launch.controlling_terminal;
  if (terminal >= 0 && ::ioctl(terminal, TIOCSCTTY, 0) != 0) die();
  Launch moved = launch;
  moved.error_pipe = error_pipe;
  // Whatever is not a wanted target gets close-on-exec, so nothing leaks into the program.
  for (int fd = 0; fd <= highest; ++fd) {
    bool wanted = false;
    for (const auto& [ours, theirs] : *launch.descriptors) wanted = wanted || theirs == fd;
    if (!wanted && fd > 2) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  }
  ::syscall(SYS_close_range, highest + 1, ~0u, CLOSE_RANGE_CLOEXEC);
  ::execve(launch.path, launch.argv, launch.envp);
  tell_error(moved.error_pipe, errno);
  leave(127);
}

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define BERTH_THREAD_SANITIZER
#endif
#endif

#ifdef BERTH_THREAD_SANITIZER
// It has put a clone(2) of its own before the C library's, for a child with a memory of its own.
pid_t start_child(Launch& launch) {
  long child = raw_clone3(0, -1, SIGCHLD, nullptr);
  if (child == 0) become(launch);
  return static_cast<pid_t>(child);
}
#else
int become_program(void* launch) {
  become(*static_cast<const Launch*>(launch));
}

// Nothing of ours is copied (but for an orphan, by its maker), and no lock of the C library's
// taken. fork(3) would hold that of every arena of malloc(3) while the kernel copies page tables,
// and its caller may lose the processor meanwhile: whoever allocates waits until it gets another.
// This thread waits until the child has become the program or ended; the others go on.
pid_t start_child(Launch& launch) {
  constexpr size_t kStackBytes = size_t{64} * 1024;  // of become(), which needs some hundred bytes
  constexpr size_t kAlignment = 16;
  alignas(kAlignment) std::array<char, kStackBytes> stack;  // NOLINT: the child's to fill
  return ::clone(become_program, stack.data() + stack.size(), CLONE_VM | CLONE_VFORK | SIGCHLD,
                 &launch);
}
#endif

ExitStatus status_of(const siginfo_t& info) {
  if (info.si_code == CLD_EXITED) return {.code = info.si_status, .signal = 0};
  return {.code = 0, .signal = info.si_status};
}

// Moves bytes between the program's pipes and our buffers until all are closed.
Status pump(Fd in, const std::string& input, Fd out, Fd err, Output& output) {
  size_t sent = 0;
  TRY(set_nonblocking(in.get()));
  if (input.empty()) in.reset();
  while (in || out || err) {
    std::array<pollfd, 3> polled{pollfd{in.get(), POLLOUT, 0}, pollfd{out.get(), POLLIN, 0},
                                 pollfd{err.get(), POLLIN, 0}};
    TRY(run("poll", "", [&] { return ::poll(polled.data(), polled.size(), -1); }));
    if (in && polled[0].revents != 0) {
      ssize_t wrote = ::write(in.get(), input.data() + sent, input.size() - sent);
      if (wrote > 0) sent += static_cast<size_t>(wrote);
      if ((wrote < 0 && errno != EAGAIN && errno != EINTR) || sent == input.size()) in.reset();
    }
    auto drain = [](Fd& fd, const pollfd& state, std::string& into) {
      if (!fd || state.revents == 0) return;
      std::array<char, 16384> buffer{};
      ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
      if (got > 0) {
        size_t room = kOutputMax - std::min(kOutputMax, into.size());
        into.append(buffer.data(), std::min(room, static_cast<size_t>(got)));
      } else if (got == 0 || errno != EINTR) {
        fd.reset();
      }
    };
    drain(out, polled[1], output.out);
    drain(err, polled[2], output.err);
  }
  return {};
}

}  // namespace

namespace {

// The child, once it has become the program or made the process that did.
Result<pid_t> launch_program(const Program& program, bool is_orphan) {
  std::string path = find_in_path(program.path);
  std::vector<char*> argv = pointers_to(program.arguments);
  std::vector<char*> envp;
  if (program.environment) envp = pointers_to(*program.environment);
  std::vector<int> scratch(program.descriptors.size());
  Pipe errors = TRY(make_pipe());
  Launch launch{.path = path.c_str(),
                .argv = argv.data(),
                .envp = program.environment ? envp.data() : environ,
                .descriptors = &program.descriptors,
                .scratch = scratch.data(),
                .working_directory = program.working_directory.c_str(),
                .new_session = program.new_session,
                .controlling_terminal = program.controlling_terminal,
                .dies_with_us = program.dies_with_us,
                .network_namespace = program.network_namespace,
                .is_orphan = is_orphan,
                .parent = ::getpid(),
                .error_pipe = errors.write.get(),
                .processors = given_processors()};

  // Signals stay blocked meanwhile, so that no handler of ours runs in the child.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  auto pid = call("clone", program.path, [&] { return start_child(launch); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (!pid) return tl::unexpected<Error>(std::move(pid).error());

  errors.write.reset();
  int error = 0;
  ssize_t got = -1;
  do {
    got = ::read(errors.read.get(), &error, sizeof(error));
  } while (got < 0 && errno == EINTR);
  pid_t child = static_cast<pid_t>(*pid);
  bool failed = got == sizeof(error);
  if (failed || is_orphan) (void)::waitpid(child, nullptr, 0);  // it has exited: reap it
  if (failed) return fail_errno(error, "execute {}", path);
  return child;
}

}  // namespace

Result<Process> spawn(const Program& program) {
  Process process{TRY(launch_program(program, /*is_orphan=*/false)), {}};
  process.pidfd = TRY(open_pidfd(process.pid));
  return process;
}

Status spawn_orphan(const Program& program) {
  TRY(launch_program(program, /*is_orphan=*/true));
  return {};
}

Result<ExitStatus> wait(const Process& process) {
  siginfo_t info{};
  TRY(run("waitid", "",
          [&] { return ::waitid(P_PID, static_cast<id_t>(process.pid), &info, WEXITED); }));
  return status_of(info);
}

Result<bool> ends_within(const Process& process, std::chrono::milliseconds patience) {
  pollfd ended{process.pidfd.get(), POLLIN, 0};
  int milliseconds = static_cast<int>(patience.count());
  return TRY(call("poll", "", [&] { return ::poll(&ended, 1, milliseconds); })) == 1;
}

Result<std::optional<ExitStatus>> try_wait(pid_t pid) {
  siginfo_t info{};
  TRY(run("waitid", "",
          [&] { return ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG); }));
  if (info.si_pid == 0) return std::nullopt;
  return status_of(info);
}

Result<std::optional<Reaped>> reap_any() {
  siginfo_t info{};
  auto waited = run("waitid", "", [&] { return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG); });
  if (!waited && waited.error().errno_value == ECHILD) {
    return fail(Errc::kNotFound, "waitid: no children");
  }
  TRY(std::move(waited));
  if (info.si_pid == 0) return std::nullopt;
  return Reaped{info.si_pid, status_of(info)};
}

Status send_signal(const Process& process, int signal) {
  auto sent = run("pidfd_send_signal", "", [&] {
    return ::syscall(SYS_pidfd_send_signal, process.pidfd.get(), signal, nullptr, 0);
  });
  if (!sent && sent.error().errno_value == ESRCH) return {};
  return sent;
}

Result<Fd> open_pidfd(pid_t pid) {
  return Fd(TRY(
      call("pidfd_open", std::to_string(pid), [&] { return ::syscall(SYS_pidfd_open, pid, 0); })));
}

std::vector<std::string> own_environment() {
  std::vector<std::string> entries;
  for (char** entry = environ; *entry != nullptr; ++entry) entries.emplace_back(*entry);
  return entries;
}

pid_t own_pid() {
  return ::getpid();
}

Result<ProcessStat> stat_of(pid_t pid) {
  std::string stat = TRY(read_file(fmt::format("/proc/{}/stat", pid), 4096));
  // The second field is the command in parentheses and may hold anything; count from its end.
  size_t end = stat.rfind(')');
  if (end == std::string::npos) return fail(Errc::kCorrupt, "/proc/{}/stat: no command", pid);
  std::vector<std::string> fields = split(stat.substr(end + 2), ' ');
  constexpr size_t kStartTime = 22 - 3;
  if (fields.size() <= kStartTime || fields[0].size() != 1) {
    return fail(Errc::kCorrupt, "/proc/{}/stat: too short", pid);
  }
  auto ticks = parse_u64(fields[kStartTime]);
  if (!ticks) return fail(Errc::kCorrupt, "/proc/{}/stat: start time", pid);
  return ProcessStat{.state = fields[0][0], .start_time = *ticks};
}

Result<uint64_t> start_time_of(pid_t pid) {
  return TRY(stat_of(pid)).start_time;
}

Result<Output> run_program(Program program, const std::string& input) {
  Pipe in = TRY(make_pipe());
  Pipe out = TRY(make_pipe());
  Pipe err = TRY(make_pipe());
  program.descriptors.emplace_back(in.read.get(), 0);
  program.descriptors.emplace_back(out.write.get(), 1);
  program.descriptors.emplace_back(err.write.get(), 2);
  // A program that dies without reading its input must not kill us.
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  struct sigaction before {};
  ::sigaction(SIGPIPE, &ignore, &before);
  Process process = TRY(spawn(program));
  in.read.reset();
  out.write.reset();
  err.write.reset();
  Output output;
  auto pumped = pump(std::move(in.write), input, std::move(out.read), std::move(err.read), output);
  output.status = TRY(wait(process));
  ::sigaction(SIGPIPE, &before, nullptr);
  TRY(std::move(pumped));
  return output;
}

}  // namespace berth::sys
