#include "sys/scheduling.h"

#include "sys/file.h"
#include "sys/pipe.h"
#include "sys/spawn.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <thread>

namespace berth {
namespace {

cpu_set_t processors_of_this_thread() {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  EXPECT_EQ(::sched_getaffinity(0, sizeof(cpus), &cpus), 0);
  return cpus;
}

// As /proc/PID/status has them.
std::string processors_of_a_program() {
  sys::Program program;
  program.path = "grep";
  program.arguments = {"grep", "Cpus_allowed_list", "/proc/self/status"};
  return sys::run_program(program, "").value().out;
}

// 0: all is as it should be. In a process of its own, for it stays so.
int settle_and_look() {
  cpu_set_t given = processors_of_this_thread();
  std::string of_programs = processors_of_a_program();
  cpu_set_t of_worker;
  cpu_set_t elsewhere;
  cpu_set_t afterwards;
  auto settled = sys::make_pipe().value();
  std::thread worker([&] {
    (void)sys::read_all(settled.read.get(), 1);
    of_worker = processors_of_this_thread();
    {
      sys::AwayFromSettled away;
      elsewhere = processors_of_this_thread();
    }
    afterwards = processors_of_this_thread();
  });
  bool is_settled = sys::settle_this_thread().has_value();
  settled.write.reset();
  worker.join();
  if (!is_settled) return 1;
  cpu_set_t own = processors_of_this_thread();
  if (!CPU_EQUAL(&of_worker, &given) || !CPU_EQUAL(&afterwards, &given)) return 2;
  if (processors_of_a_program() != of_programs) return 3;  // all of them
  bool is_alone = CPU_COUNT(&given) < 2;
  if (is_alone) return CPU_EQUAL(&own, &given) && CPU_EQUAL(&elsewhere, &given) ? 0 : 4;
  cpu_set_t all;
  CPU_OR(&all, &own, &elsewhere);
  cpu_set_t shared;
  CPU_AND(&shared, &own, &elsewhere);
  return CPU_COUNT(&own) == 1 && CPU_COUNT(&shared) == 0 && CPU_EQUAL(&all, &given) ? 0 : 5;
}

TEST(Scheduling, WhatTakesLongInTheKernelIsNotWhereAThreadHasSettled) {
  pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) ::_exit(settle_and_look());
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace berth
