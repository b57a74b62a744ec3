#include "sys/spawn.h"

#include "base/text.h"
#include "sys/file.h"
#include "sys/path.h"
#include "sys/terminal.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
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

std::atomic<int> prepared_forks = 0;

// fork(3) calls them with all locks of malloc(3) in its hands.
TEST(Spawn, AStartIsNoForkOfOurs) {
  ASSERT_EQ(::pthread_atfork([] { ++prepared_forks; }, nullptr, nullptr), 0);
  sys::Program program;
  program.path = "true";
  program.arguments = {"true"};
  prepared_forks = 0;
  auto process = sys::spawn(program);
  ASSERT_TRUE(process.has_value()) << process.error().text;
  EXPECT_EQ(sys::wait(*process)->shell_code(), 0);
  ASSERT_TRUE(sys::spawn_orphan(program).has_value());
  EXPECT_EQ(prepared_forks, 0);
}

// The child is in our memory, but its signals, files and directory are its own.
TEST(Spawn, WhatTheProgramChangesBeforeItBeginsIsNotOurs) {
  struct sigaction ours {};
  ours.sa_handler = [](int) {};
  struct sigaction before {};
  ASSERT_EQ(::sigaction(SIGUSR2, &ours, &before), 0);
  std::string directory = sys::read_link("/proc/self/cwd").value();
  auto told = sys::make_pipe().value();
  auto ours_there = sys::make_pipe().value();
  sys::Program program;
  program.path = "sh";
  program.arguments = {"sh", "-c", "pwd"};
  program.descriptors = {{told.write.get(), 1}, {told.write.get(), ours_there.read.get()}};
  program.working_directory = "/";
  program.new_session = true;
  pid_t session = ::getsid(0);
  auto process = sys::spawn(program);
  ASSERT_TRUE(process.has_value()) << process.error().text;
  told.write.reset();
  EXPECT_EQ(sys::read_all(told.read.get(), 100).value(), "/\n");
  EXPECT_EQ(sys::wait(*process)->shell_code(), 0);
  struct sigaction after {};
  ASSERT_EQ(::sigaction(SIGUSR2, &before, &after), 0);
  EXPECT_EQ(after.sa_handler, ours.sa_handler);
  EXPECT_EQ(sys::read_link("/proc/self/cwd").value(), directory);
  EXPECT_EQ(::getsid(0), session);
  // What had the number of one of its descriptors is still what it was.
  ours_there.write.reset();
  EXPECT_EQ(sys::read_all(ours_there.read.get(), 100).value(), "");
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

TEST(Spawn, AnOrphanIsNotOursToReap) {
  auto told = sys::make_pipe().value();
  sys::Program program;
  program.path = "sh";
  program.arguments = {"sh", "-c", "echo $PPID"};
  program.descriptors = {{told.write.get(), 1}};
  ASSERT_TRUE(sys::spawn_orphan(program).has_value());
  told.write.reset();
  std::string parent = sys::read_all(told.read.get(), 100).value();
  EXPECT_NE(trim(parent), std::to_string(::getpid()));
  EXPECT_EQ(sys::reap_any().error().code, Errc::kNotFound);  // no child, not even a dead one
  program.path = "/nonexistent/program";
  EXPECT_EQ(sys::spawn_orphan(program).error().text,
            "execute /nonexistent/program: No such file or directory");
  EXPECT_EQ(sys::reap_any().error().code, Errc::kNotFound);
}

TEST(Spawn, ATerminalOfOursControlsTheProgram) {
  auto terminal = sys::make_terminal({.columns = 91, .rows = 17}).value();
  sys::Program program;
  program.path = "sh";
  program.arguments = {"sh", "-c", "stty size <&0; exec sleep 1000"};
  program.descriptors = {
      {terminal.theirs.get(), 0}, {terminal.theirs.get(), 1}, {terminal.theirs.get(), 2}};
  program.new_session = true;
  program.controlling_terminal = 0;
  sys::Process process = sys::spawn(program).value();
  terminal.theirs.reset();
  std::string shown;
  while (shown.find('\n') == std::string::npos) {
    pollfd readable{terminal.ours.get(), POLLIN, 0};
    ASSERT_EQ(::poll(&readable, 1, 20'000), 1);
    std::array<char, 100> bytes{};
    shown.append(bytes.data(),
                 sys::read_some(terminal.ours.get(), bytes.data(), bytes.size()).value());
  }
  EXPECT_EQ(shown, "17 91\r\n");
  terminal.ours.reset();  // hangs up
  EXPECT_EQ(sys::wait(process)->signal, SIGHUP);
}

TEST(Spawn, AProcessIsKnownByItsStartTime) {
  auto mine = sys::start_time_of(::getpid());
  ASSERT_TRUE(mine.has_value());
  EXPECT_EQ(*mine, sys::start_time_of(::getpid()).value());
  EXPECT_FALSE(sys::start_time_of(0x3fffffff).has_value());
}

}  // namespace
}  // namespace berth
