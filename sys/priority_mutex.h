// PriorityMutex: a mutex between the loop and threads that come after it (scheduling.h). While the
// loop waits, who holds it has the loop's priority: otherwise the loop would wait until nobody else
// wants that thread's processor.
#pragma once

#include <pthread.h>

namespace berth::sys {

// As std::mutex, for std::lock_guard. Aborts where the kernel has no futex(2) with priority
// inheritance, which Linux has had since 2.6.18.
class PriorityMutex {
 public:
  PriorityMutex();
  ~PriorityMutex();
  PriorityMutex(const PriorityMutex&) = delete;
  PriorityMutex& operator=(const PriorityMutex&) = delete;

  void lock();
  void unlock();

 private:
  pthread_mutex_t mutex_;
};

}  // namespace berth::sys
