#include "runtime/seccomp_profile.h"

#include "sys/file.h"
#include "sys/seccomp.h"

#include <gtest/gtest.h>

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <functional>

namespace berth::runtime {
namespace {

// errno (0: success) of what `call` does under the filter, in a child.
int errno_under(const SeccompProgram& program, const std::function<long()>& call) {
  pid_t child = ::fork();
  if (child == 0) {
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    auto length = static_cast<unsigned short>(program.filter.size());
    if (sys::raw_load_seccomp(program.filter.data(), length, 0) != 0) ::_exit(255);
    ::_exit(call() == -1 ? errno : 0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

TEST(Seccomp, DefaultProfileRefusesWhatDockerRefuses) {
  auto program = compile_seccomp(default_seccomp_profile(0));
  ASSERT_TRUE(program) << program.error().text;
  EXPECT_EQ(errno_under(*program, [] { return ::syscall(SYS_getpid); }), 0);
  EXPECT_EQ(errno_under(*program, [] { return ::syscall(SYS_unshare, 0); }), EPERM);
  EXPECT_EQ(errno_under(*program, [] { return ::syscall(SYS_keyctl, 0, 0); }), EPERM);
  EXPECT_EQ(errno_under(*program, [] { return ::syscall(SYS_clone3, nullptr, 0); }), ENOSYS);
  EXPECT_EQ(errno_under(*program, [] { return ::syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0); }),
            0);
  EXPECT_EQ(errno_under(*program, [] { return ::syscall(SYS_socket, AF_VSOCK, SOCK_STREAM, 0); }),
            EPERM);
  EXPECT_EQ(errno_under(*program, [] { return ::syscall(SYS_personality, 0x40000); }), EPERM);
}

TEST(Seccomp, CapabilitiesOpenTheirCalls) {
  auto number = sys::capability_number("CAP_SYS_ADMIN");
  auto program = compile_seccomp(default_seccomp_profile(sys::CapabilitySet{1} << *number));
  ASSERT_TRUE(program);
  EXPECT_EQ(errno_under(*program, [] { return ::syscall(SYS_unshare, 0); }), 0);
}

TEST(Seccomp, TooManyRulesAreNamed) {
  SeccompSpec spec;
  spec.default_action = "SCMP_ACT_ALLOW";
  for (uint64_t value = 0; value < 8000; ++value) {
    spec.syscalls.push_back(
        {{"lseek"}, "SCMP_ACT_ERRNO", {}, {{.index = 1, .value = value, .op = "SCMP_CMP_EQ"}}});
  }
  auto program = compile_seccomp(spec);
  ASSERT_FALSE(program);
  EXPECT_TRUE(program.error().text.starts_with("linux.seccomp.syscalls: ")) << program.error().text;
}

TEST(Seccomp, CacheGivesTheSameProgramAndSurvivesDamage) {
  auto directory = sys::TemporaryDirectory::make("/tmp", "berth-seccomp-");
  ASSERT_TRUE(directory);
  SeccompSpec spec = default_seccomp_profile(0);
  auto first = cached_seccomp(spec, directory->path(), 1);
  auto second = cached_seccomp(spec, directory->path(), 1);
  ASSERT_TRUE(first && second);
  auto names = sys::list_directory(directory->path());
  ASSERT_EQ(names->size(), 1u);
  EXPECT_EQ(first->filter.size(), second->filter.size());
  ASSERT_TRUE(sys::write_replace(directory->path() + "/" + names->at(0), "damaged", 0600));
  auto third = cached_seccomp(spec, directory->path(), 1);
  ASSERT_TRUE(third);
  EXPECT_EQ(third->filter.size(), first->filter.size());
}

}  // namespace
}  // namespace berth::runtime
