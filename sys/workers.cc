#include "sys/workers.h"

#include "base/check.h"

#include <cerrno>
#include <csignal>
#include <mutex>

namespace berth::sys {

// Signals are the loop's to hear: a worker that did not block them would take the default action,
// whether made before or after Loop::on_signals(). The threads inherit the mask of their maker.
Workers::Workers(Loop& loop, size_t threads) : loop_(loop) {
  CHECK(::sem_init(&ready_, /*pshared=*/0, /*value=*/0) == 0);
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  for (size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Workers::~Workers() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  for (size_t i = 0; i < threads_.size(); ++i) ::sem_post(&ready_);
  for (std::thread& thread : threads_) thread.join();
  ::sem_destroy(&ready_);
}

void Workers::submit(Job job) {
  {
    std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
  }
  ::sem_post(&ready_);
}

void Workers::wait_for_job() {
  while (::sem_wait(&ready_) != 0) CHECK(errno == EINTR);
}

void Workers::work() {
  while (true) {
    wait_for_job();
    Job job;
    {
      std::lock_guard lock(mutex_);
      if (stopping_) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    Completion then = job();
    // What the job has goes where it was made. To free it here would be to hold the lock on the
    // loop's memory (malloc(3) has one for each arena) while others may have this processor.
    loop_.post([job = std::move(job), then = std::move(then)] { then(); });
  }
}

}  // namespace berth::sys
