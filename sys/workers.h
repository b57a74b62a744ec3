// Workers: threads for blocking work (pull, unpack, network set-up). A job takes values and returns
// values; what it found out comes back to the loop as a task. Jobs never touch the loop's state.
#pragma once

#include "sys/loop.h"

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

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

  Loop& loop_;
  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<Job> jobs_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace berth::sys
