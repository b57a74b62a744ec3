#include "sys/spawn.h"

#include "base/text.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <thread>

namespace berth {
namespace {

TEST(Spawn, GivesInputAndReadsBothOutputs) {
  auto output = sys::run_program({.path = "/bin/sh",
                                  .arguments = {"sh", "-c", "cat; echo problem >&2; exit 3"},
                                  .environment = {},
                                  .descriptors = {},
                                  .new_session = false,
                                  .working_directory = ""},
                                 "input");
  ASSERT_TRUE(output.has_value()) << output.error().text;
  EXPECT_EQ(output->out, "input");
  EXPECT_EQ(output->err, "problem\n");
  EXPECT_EQ(output->status.code, 3);
}

TEST(Spawn, AnExecThatFailsIsAnErrorHere) {
  sys::Program program;
  program.path = "/nonexistent/program";
  program.arguments = {"program"};
  auto process = sys::spawn(program);
  ASSERT_FALSE(process.has_value());
  EXPECT_EQ(process.error().text, "execute /nonexistent/program: No such file or directory");
}

TEST(Spawn, OnlyNamedDescriptorsReachTheProgram) {
  auto secret = sys::make_pipe();
  ASSERT_TRUE(sys::set_inheritable(secret->read.get()).has_value());
  auto given = sys::make_pipe();
  sys::Program program;
  program.path = "/bin/sh";
  // No pipeline: its pipe would be one more descriptor of the shell, for as long as that pleases
  // it.
  program.arguments = {"sh", "-c", "ls /proc/$$/fd; true"};
  program.descriptors = {{given->write.get(), 7}};
  auto output = sys::run_program(program, "");
  ASSERT_TRUE(output.has_value());
  EXPECT_EQ(output->out, "0\n1\n2\n7\n");
}

// Ctrl-C again and again, in a process group of its own: how many of `runs` programs with sessions
// of their own it ended. They are none of that group.
int count_interrupted(int runs) {
  ::setpgid(0, 0);
  struct sigaction ours {};
  ours.sa_handler = [](int) {};
  ours.sa_flags = SA_RESTART;
  ::sigaction(SIGINT, &ours, nullptr);
  std::atomic<bool> over = false;
  std::thread terminal([&] {
    while (!over) ::kill(0, SIGINT);
  });
  int interrupted = 0;
  for (int run = 0; run < runs; ++run) {
    sys::Program program;
    program.path = "/bin/true";
    program.arguments = {"true"};
    program.new_session = true;
    auto process = sys::spawn(program);
    if (!process || sys::wait(*process)->signal != 0) ++interrupted;
  }
  over = true;
  terminal.join();
  return interrupted;
}

TEST(Spawn, ASessionOfItsOwnHearsNoSignalOfOursNotEvenBeforeItHasIt) {
  pid_t group = ::fork();
  ASSERT_GE(group, 0);
  if (group == 0) ::_exit(count_interrupted(100));
  int status = 0;
  ASSERT_EQ(::waitpid(group, &status, 0), group);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(Spawn, ASignalIsReportedAsTheShellDoes) {
  sys::Program program;
  program.path = "sleep";
  program.arguments = {"sleep", "1000"};
  auto process = sys::spawn(program);
  ASSERT_TRUE(process.has_value());
  EXPECT_EQ(sys::try_wait(process->pid).value().has_value(), false);
  ASSERT_TRUE(sys::send_signal(*process, SIGKILL).has_value());
  EXPECT_EQ(sys::wait(*process)->shell_code(), 137);
  EXPECT_TRUE(sys::send_signal(*process, SIGKILL).has_value());  // gone already
}

TEST(Spawn, AProgramMayDieWithItsSpawner) {
  sys::Process process;
  std::thread spawner([&] {
    sys::Program program;
    program.path = "sleep";
    program.arguments = {"sleep", "1000"};
    program.dies_with_us = true;
    process = sys::spawn(program).value();
  });
  spawner.join();
  EXPECT_EQ(sys::wait(process)->signal, SIGKILL);
}

TEST(Spawn, AProcessIsKnownByItsStartTime) {
  auto mine = sys::start_time_of(::getpid());
  ASSERT_TRUE(mine.has_value());
  EXPECT_EQ(*mine, sys::start_time_of(::getpid()).value());
  EXPECT_FALSE(sys::start_time_of(0x3fffffff).has_value());
}

}  // namespace
}  // namespace berth
