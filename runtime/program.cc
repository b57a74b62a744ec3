#include "runtime/program.h"

#include "base/text.h"
#include "runtime/child.h"
#include "sys/credentials.h"
#include "sys/file.h"
#include "sys/seccomp.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <csignal>
#include <cstring>
#include <set>
#include <string_view>

namespace berth::runtime {
namespace {

using child::attempt;
using child::die;
using child::must;
using child::position;

constexpr size_t kPasswdMax = 1024 * 1024;
constexpr mode_t kUmaskDefault = 0022;

// The home directory of a uid by the container's own /etc/passwd; "/" when it does not tell.
std::string home_of(int root, uint32_t uid) {
  auto file = sys::open_in_root(root, "/etc/passwd", O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (!file) return "/";
  auto there = sys::stat_fd(file->get());
  if (!there || !S_ISREG(there->st_mode)) return "/";
  auto text = sys::read_all(file->get(), kPasswdMax);
  if (!text) return "/";
  for (const std::string& line : split(*text, '\n')) {
    std::vector<std::string> fields = split(line, ':');
    if (fields.size() >= 6 && fields[2] == std::to_string(uid) && !fields[5].empty()) {
      return fields[5];
    }
  }
  return "/";
}

// Of variables given twice the last counts, as for runc; getenv(3) would take the first.
std::vector<std::string> without_repeats(const std::vector<std::string>& environment) {
  std::set<std::string_view> seen;
  std::vector<std::string> kept;
  for (auto entry = environment.rbegin(); entry != environment.rend(); ++entry) {
    std::string_view name = std::string_view(*entry).substr(0, entry->find('='));
    if (seen.insert(name).second) kept.push_back(*entry);
  }
  std::reverse(kept.begin(), kept.end());
  return kept;
}

// Beneath the root without magic links, and then asked of the kernel: a working directory outside
// the root is how descriptors leak the host (CVE-2024-21626).
void enter_cwd(const Program& program) {
  position.stage = Stage::kCwd;
  const char* path = program.process->cwd.c_str();
  int root =
      static_cast<int>(must("/", [] { return ::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC); }));
  int directory = program.make_cwd ? child::ensure_target(root, path, child::TargetKind::kDirectory)
                                   : child::open_in_root(root, path, O_PATH | O_DIRECTORY);
  if (directory < 0) die(errno, path);
  must(path, [&] { return ::fchdir(directory); });
  char where[PATH_MAX];
  must(path, [&] { return ::syscall(SYS_getcwd, where, sizeof(where)); });
  if (where[0] != '/') die(ENOENT, path);
  ::close(directory);
  ::close(root);
}

void set_rlimits(const ProcessSpec& process) {
  position.stage = Stage::kRlimits;
  for (const sys::ResourceLimit& limit : process.rlimits) {
    rlimit value{.rlim_cur = limit.soft, .rlim_max = limit.hard};
    must("setrlimit",
         [&] { return ::setrlimit(static_cast<__rlimit_resource>(limit.resource), &value); });
  }
}

// While nothing forbids it yet.
void set_personality(const Program& program) {
  position.stage = Stage::kRlimits;
  if (program.personality) {
    must("linux.personality", [&] { return ::syscall(SYS_personality, *program.personality); });
  }
  if (const MemoryPolicy* policy = program.memory_policy) {
    bool chooses = CPU_COUNT(&policy->nodes) > 0;
    // The kernel takes one number off the size (get_nodes() in mm/mempolicy.c).
    must("linux.memoryPolicy", [&] {
      return ::syscall(SYS_set_mempolicy, policy->mode, chooses ? &policy->nodes : nullptr,
                       chooses ? CPU_SETSIZE + 1 : 0);
    });
  }
  if (program.cpus != nullptr) {
    must("process.execCPUAffinity.final",
         [&] { return ::sched_setaffinity(0, sizeof(*program.cpus), program.cpus); });
  }
}

// The listener of the filter to the parent, as SCM_RIGHTS of a message. The filter is at work
// already, so sendmsg(2) must not be among what it notifies of.
void send_listener(int listener) {
  SyncMessage message;
  message.kind = MessageKind::kListener;
  iovec bytes{.iov_base = &message, .iov_len = sizeof(message)};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr header{};
  header.msg_iov = &bytes;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof(control);
  cmsghdr* rights = CMSG_FIRSTHDR(&header);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(rights), &listener, sizeof(int));
  must("listener", [&] { return ::sendmsg(position.sync, &header, MSG_NOSIGNAL); });
}

void load_seccomp(const SeccompProgram* filter) {
  if (filter == nullptr) return;
  position.stage = Stage::kSeccomp;
  long loaded = must("filter", [&] {
    return sys::raw_load_seccomp(filter->filter.data(),
                                 static_cast<unsigned short>(filter->filter.size()), filter->flags);
  });
  if ((filter->flags & SECCOMP_FILTER_FLAG_NEW_LISTENER) != 0) {
    send_listener(static_cast<int>(loaded));
  }
}

[[noreturn]] void execute(const Program& program) {
  position.stage = Stage::kExec;
  int error = ENOENT;
  for (const std::string& candidate : program.executables) {
    (void)attempt(
        [&] { return ::execve(candidate.c_str(), program.argv.data(), program.envp.data()); });
    if (errno == ENOENT || errno == ENOTDIR) continue;
    error = errno;
    if (error != EACCES) break;  // as execvp(3): a forbidden file does not hide a later one
  }
  die(error, program.process->args[0].c_str());
}

bool is_executable(const struct stat& file) {
  return S_ISREG(file.st_mode) && (file.st_mode & 0111) != 0;
}

}  // namespace

void check_program(const Program& program) {
  int error = ENOENT;
  for (const std::string& candidate : program.executables) {
    struct stat file {};
    if (!candidate.starts_with('/')) return;
    bool found = attempt([&] { return ::stat(candidate.c_str(), &file); }) == 0;
    if (!found && errno != ENOENT && errno != ENOTDIR) return;
    if (found && is_executable(file)) return;
    if (found) error = EACCES;
  }
  position.stage = Stage::kExec;
  die(error, program.process->args[0].c_str());
}

std::vector<std::string> executables_of(const ProcessSpec& process) {
  std::vector<std::string> executables;
  const std::string& name = process.args[0];
  if (name.find('/') != std::string::npos || name.empty()) {
    return {name};
  }
  std::string path;
  for (const std::string& entry : process.env) {
    if (entry.starts_with("PATH=")) path = entry.substr(5);
  }
  for (const std::string& directory : split(path, ':')) {
    if (!directory.empty() && directory[0] == '/') {
      executables.push_back(directory + "/" + name);
    }
  }
  return executables;
}

Program prepare_program(const ProcessSpec& process, int root) {
  Program program;
  program.process = &process;
  program.executables = executables_of(process);
  program.environment = without_repeats(process.env);
  auto is_home = [](const std::string& entry) { return entry.starts_with("HOME="); };
  if (std::none_of(process.env.begin(), process.env.end(), is_home)) {
    program.environment.push_back(fmt::format("HOME={}", home_of(root, process.user.uid)));
  }
  auto pointers = [](const std::vector<std::string>& strings) {
    std::vector<char*> list;
    list.reserve(strings.size() + 1);
    for (const std::string& string : strings) list.push_back(const_cast<char*>(string.c_str()));
    list.push_back(nullptr);
    return list;
  };
  program.argv = pointers(process.args);
  program.envp = pointers(program.environment);
  return program;
}

void become_root_of_user_namespace() {
  must("setgroups", [] { return ::syscall(SYS_setgroups, 0, nullptr); });
  must("gid 0 of the user namespace", [] { return ::syscall(SYS_setresgid, 0, 0, 0); });
  must("uid 0 of the user namespace", [] { return ::syscall(SYS_setresuid, 0, 0, 0); });
}

void become_blank(Keyring keyring) {
  struct sigaction reset {};
  reset.sa_handler = SIG_DFL;
  for (int signal = 1; signal < 65; ++signal) (void)::sigaction(signal, &reset, nullptr);
  sigset_t none;
  sigemptyset(&none);
  (void)::sigprocmask(SIG_SETMASK, &none, nullptr);
  (void)::setsid();  // fails only for a group leader, which a clone is not
  must("dumpable", [] { return ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); });
  // Best effort: kernels without keys, or a quota of keys used up, leave the inherited session
  // ring, whose keys the container's user namespace or uid cannot read.
  if (keyring == Keyring::kNew) (void)::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr);
}

void become_user(const ProcessSpec& process) {
  position.stage = Stage::kBounding;
  must("drop", [&] { return sys::raw_drop_bounding(process.capabilities.bounding); });
  position.stage = Stage::kUser;
  const User& user = process.user;
  must("PR_SET_KEEPCAPS", [] { return ::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0); });
  static_assert(sizeof(gid_t) == sizeof(uint32_t));
  must("setgroups", [&] {
    return ::syscall(SYS_setgroups, user.additional_gids.size(), user.additional_gids.data());
  });
  must("gid", [&] { return ::syscall(SYS_setresgid, user.gid, user.gid, user.gid); });
  must("uid", [&] { return ::syscall(SYS_setresuid, user.uid, user.uid, user.uid); });
  ::umask(user.umask.value_or(kUmaskDefault));
  position.stage = Stage::kCapabilities;
  must("capset", [&] { return sys::raw_set_capabilities(process.capabilities); });
}

[[noreturn]] void become_program(const Program& program) {
  const ProcessSpec& process = *program.process;
  child::close_from(3 + program.preserve_fds, program.supervisor);
  enter_cwd(program);
  set_rlimits(process);
  set_personality(program);
  if (!process.no_new_privileges) load_seccomp(program.seccomp);
  become_user(process);
  position.stage = Stage::kDeathSignal;
  // After the change of credentials, which clears it.
  if (program.die_with_parent) {
    must("PR_SET_PDEATHSIG", [] { return ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); });
    // A parent that died just before that sends no signal any more.
    if (child::has_hung_up(program.supervisor)) ::_exit(1);
  }
  if (process.no_new_privileges) {
    must("PR_SET_NO_NEW_PRIVS", [] { return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); });
    load_seccomp(program.seccomp);
  }
  execute(program);
}

}  // namespace berth::runtime
