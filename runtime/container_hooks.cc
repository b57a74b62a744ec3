#include "runtime/container_hooks.h"

#include "runtime/child.h"
#include "runtime/program.h"
#include "sys/process.h"

#include <fmt/format.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>

namespace berth::runtime {
namespace {

using child::attempt;
using child::die;
using child::must;
using child::position;

// Text in a fixed buffer, for processes that may not allocate. What does not fit is left out.
class Line {
 public:
  void add(const char* text) { add(text, std::strlen(text)); }
  void add(const char* text, size_t length) {
    length = std::min(length, sizeof(text_) - 1 - length_);
    std::memcpy(text_ + length_, text, length);
    length_ += length;
    text_[length_] = '\0';
  }
  void add(int number) {
    char digits[12];
    char* at = digits + sizeof(digits);
    do {
      *--at = static_cast<char>('0' + number % 10);
    } while ((number /= 10) > 0);
    add(at, static_cast<size_t>(digits + sizeof(digits) - at));
  }
  // The last bytes of the file, on one line.
  void add_end_of(int file) {
    char tail[160];
    off_t size = ::lseek(file, 0, SEEK_END);
    off_t from = std::max<off_t>(0, size - static_cast<off_t>(sizeof(tail)));
    ssize_t got = ::pread(file, tail, sizeof(tail), from);
    while (got > 0 && tail[got - 1] == '\n') --got;
    if (got <= 0) return;
    std::replace(tail, tail + got, '\n', ' ');
    add(": ");
    add(tail, static_cast<size_t>(got));
  }
  const char* text() const { return text_; }
  size_t length() const { return length_; }

 private:
  char text_[240] = {};
  size_t length_ = 0;
};

int make_memory(const char* name) {
  return static_cast<int>(must(name, [&] { return ::memfd_create(name, MFD_CLOEXEC); }));
}

int make_state(const ContainerHooks& hooks) {
  int state = make_memory("state");
  Line pid;
  pid.add(static_cast<int>(::getpid()));
  pid.add("}");
  must("state", [&] { return ::write(state, hooks.state_head.data(), hooks.state_head.size()); });
  must("state", [&] { return ::write(state, pid.text(), pid.length()); });
  must("state", [&] { return ::lseek(state, 0, SEEK_SET); });
  return state;
}

[[noreturn]] void become_hook(const ContainerHook& hook, int state, int output,
                              const ProcessSpec* rights) {
  if (rights != nullptr) become_user(*rights);
  position.stage = Stage::kHooks;
  must("dup2", [&] { return ::dup2(state, 0); });
  must("dup2", [&] { return ::dup2(output, 1); });
  must("dup2", [&] { return ::dup2(output, 2); });
  // The descriptors of the host must not reach a program of the container, nor the path to it; so
  // close-on-exec is too late, and from here on only the exit code tells.
  must("close_range", [] { return ::syscall(SYS_close_range, 3, ~0u, 0); });
  (void)attempt(
      [&] { return ::execve(hook.hook->path.c_str(), hook.argv.data(), hook.envp.data()); });
  int error = errno;
  const char* why = strerrordesc_np(error);
  (void)!::write(2, why, std::strlen(why));  // else the exit code alone tells
  ::_exit(127);
}

[[noreturn]] void fail_hook(const ContainerHook& hook, const char* what, int number, int output) {
  Line line;
  line.add(hook.name.c_str());
  line.add(what);
  line.add(number);
  line.add_end_of(output);
  die(0, line.text());
}

void run_one(const ContainerHook& hook, const ContainerHooks& hooks, const ProcessSpec* rights) {
  int state = make_state(hooks);
  int output = make_memory("output");
  int pidfd = -1;
  pid_t pid = static_cast<pid_t>(
      must(hook.name.c_str(), [&] { return sys::raw_clone3(0, -1, SIGCHLD, &pidfd); }));
  if (pid == 0) become_hook(hook, state, output, rights);
  pollfd polled{pidfd, POLLIN, 0};
  int timeout_s = static_cast<int>(hook.hook->timeout_s.value_or(0));
  long ready = must(hook.name.c_str(),
                    [&] { return ::poll(&polled, 1, timeout_s > 0 ? timeout_s * 1000 : -1); });
  if (ready == 0) (void)::kill(pid, SIGKILL);  // our unreaped child
  int status = 0;
  must(hook.name.c_str(), [&] { return ::waitpid(pid, &status, 0); });
  if (ready == 0)
    fail_hook(hook, " was killed after its timeout in seconds of ", timeout_s, output);
  if (WIFSIGNALED(status)) fail_hook(hook, " killed by signal ", WTERMSIG(status), output);
  if (WEXITSTATUS(status) != 0) fail_hook(hook, " exit status ", WEXITSTATUS(status), output);
  ::close(state);
  ::close(output);
  ::close(pidfd);
}

}  // namespace

ContainerHooks prepare_container_hooks(const Hooks& hooks, HookKind kind, const State& state,
                                       ContainerStatus status) {
  ContainerHooks prepared;
  const std::vector<Hook>& list = hooks.of(kind);
  auto text = [](const std::string& string) { return const_cast<char*>(string.c_str()); };
  for (size_t i = 0; i < list.size(); ++i) {
    ContainerHook entry{.hook = &list[i], .name = {}, .argv = {}, .envp = {}};
    entry.name =
        fmt::format("hooks.{}[{}] {}", kHookNames[static_cast<size_t>(kind)], i, list[i].path);
    for (const std::string& argument : list[i].args) entry.argv.push_back(text(argument));
    if (entry.argv.empty()) entry.argv.push_back(text(list[i].path));
    entry.argv.push_back(nullptr);
    if (list[i].env) {
      for (const std::string& variable : *list[i].env) entry.envp.push_back(text(variable));
    }
    entry.envp.push_back(nullptr);
    prepared.list.push_back(std::move(entry));
  }
  if (!prepared.list.empty()) {
    std::string text_of_state = render_for_hook(state, status);
    prepared.state_head = text_of_state.substr(0, text_of_state.rfind('}')) + ",\"pid\":";
  }
  return prepared;
}

void run_container_hooks(const ContainerHooks& hooks, const ProcessSpec* rights) {
  if (hooks.list.empty()) return;
  position.stage = Stage::kHooks;
  for (const ContainerHook& hook : hooks.list) run_one(hook, hooks, rights);
}

}  // namespace berth::runtime
