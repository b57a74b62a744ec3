// Workers: threads for blocking work (pull, unpack, network set-up). A job takes values and returns
// values; what it found out comes back to the loop as a task, and the job itself with it. Jobs
// never touch the loop's state.
#pragma once

#include "sys/loop.h"
#include "sys/priority_mutex.h"

#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include <semaphore.h>

namespace berth::sys {

class Workers {
 public:
  // What runs on the loop's thread after the job.
  using Completion = Loop::Task;
  using Job = std::function<Completion()>;

  // `loop` is borrowed and must outlive this.
  Workers(Loop& loop, size_t threads);
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;
  // Lets running jobs finish; jobs that have not begun are dropped.
  ~Workers();

  void submit(Job job);

 private:
  void work();
  void wait_for_job();

  Loop& loop_;
  PriorityMutex mutex_;
  // Counts jobs, and threads that are to end. Not a condition variable: who signals one may wait
  // for a waiter that has lost its processor.
  sem_t ready_;
  std::deque<Job> jobs_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace berth::sys
