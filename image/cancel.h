// Cancel: one owner asks, many workers notice. Also the only way a worker of image/ waits: a
// back-off ends at once when the pull is cancelled.
#pragma once

#include "base/env.h"

#include <atomic>
#include <condition_variable>
#include <mutex>

namespace berth::image {

class Cancel {
 public:
  // Safe from any thread.
  void cancel() {
    std::lock_guard lock(mutex_);
    cancelled_ = true;
    changed_.notify_all();
  }
  bool is_cancelled() const { return cancelled_; }
  // Waits; true when cancelled meanwhile.
  bool wait_for(Duration duration) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, duration, [&] { return cancelled_.load(); });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<bool> cancelled_ = false;
};

}  // namespace berth::image
