#include "sys/priority_mutex.h"

#include "base/check.h"

namespace berth::sys {

PriorityMutex::PriorityMutex() {
  pthread_mutexattr_t inherits;
  CHECK(::pthread_mutexattr_init(&inherits) == 0);
  CHECK(::pthread_mutexattr_setprotocol(&inherits, PTHREAD_PRIO_INHERIT) == 0);
  CHECK(::pthread_mutex_init(&mutex_, &inherits) == 0);
  ::pthread_mutexattr_destroy(&inherits);
}

PriorityMutex::~PriorityMutex() {
  ::pthread_mutex_destroy(&mutex_);
}

void PriorityMutex::lock() {
  CHECK(::pthread_mutex_lock(&mutex_) == 0);
}

void PriorityMutex::unlock() {
  CHECK(::pthread_mutex_unlock(&mutex_) == 0);
}

}  // namespace berth::sys
