#include "runtime/seccomp_cache.h"
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
#include <cstring>
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

class SeccompCaching : public testing::Test {
 protected:
  std::string file() {
    auto names = sys::list_directory(directory_->path());
    EXPECT_EQ(names->size(), 1u);
    return directory_->path() + "/" + names->at(0);
  }

  Result<sys::TemporaryDirectory> directory_ =
      sys::TemporaryDirectory::make("/tmp", "berth-seccomp-");
  SeccompSpec spec_ = default_seccomp_profile(0);
  std::string text_ = render_seccomp_json(spec_);
};

std::vector<uint64_t> words_of(const SeccompProgram& program) {
  std::vector<uint64_t> words(program.filter.size());
  std::memcpy(words.data(), program.filter.data(), program.filter.size_bytes());
  return words;
}

TEST_F(SeccompCaching, GivesTheSameProgramWithoutReadingTheRules) {
  SeccompCache first(directory_->path(), 1);
  EXPECT_FALSE(first.find(text_));
  auto compiled = first.program(spec_);
  ASSERT_TRUE(compiled) << compiled.error().text;
  SeccompCache second(directory_->path(), 1);
  ASSERT_TRUE(second.find(text_));
  auto found = second.program({});
  ASSERT_TRUE(found) << found.error().text;
  EXPECT_EQ(words_of(*found), words_of(*compiled));
  EXPECT_EQ(found->flags, compiled->flags);
  EXPECT_EQ(errno_under(*found, [] { return ::syscall(SYS_unshare, 0); }), EPERM);
}

TEST_F(SeccompCaching, KnowsNothingOfAnotherTextOrKernel) {
  SeccompCache cache(directory_->path(), 1);
  EXPECT_FALSE(cache.find(text_));
  ASSERT_TRUE(cache.program(spec_));
  EXPECT_FALSE(cache.find(text_ + " "));
  EXPECT_FALSE(SeccompCache(directory_->path(), 2).find(text_));
  EXPECT_TRUE(cache.find(text_));
}

TEST_F(SeccompCaching, SurvivesDamage) {
  SeccompCache cache(directory_->path(), 1);
  EXPECT_FALSE(cache.find(text_));
  ASSERT_TRUE(cache.program(spec_));
  std::string whole = *sys::read_file(file(), 1 << 20);
  for (size_t kept : {size_t{0}, size_t{10}, size_t{24}, whole.size() / 2, whole.size() - 1}) {
    ASSERT_TRUE(sys::write_replace(file(), whole.substr(0, kept), 0600));
    EXPECT_FALSE(cache.find(text_)) << kept;
  }
  std::string lies = whole;
  lies.replace(16, 4, "\xff\xff\xff\xff");  // how many instructions
  ASSERT_TRUE(sys::write_replace(file(), lies, 0600));
  EXPECT_FALSE(cache.find(text_));
  ASSERT_TRUE(cache.program(spec_));
  EXPECT_TRUE(cache.find(text_)) << "it is made anew";
}

// Its path may be another for each container: that must not fill the cache.
TEST_F(SeccompCaching, AProfileIsKeptOnceWhateverItsListener) {
  for (const char* path : {"/run/a.sock", "/run/b.sock"}) {
    SeccompSpec spec = default_seccomp_profile(0);
    spec.listener_path = path;
    SeccompCache cache(directory_->path(), 1);
    ASSERT_TRUE(cache.program(spec));
  }
  EXPECT_FALSE(file().empty());
  EXPECT_FALSE(SeccompCache(directory_->path(), 1).find(text_)) << "without one it is another";
}

}  // namespace
}  // namespace berth::runtime
