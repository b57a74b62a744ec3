// CommitQueue: makes visible what several threads fetch, on a thread of its own, while they go on.
//
//   fetching  ----+
//   fetching  ----+--> finished, finished  -->  one sync for all that is there  -->  renames
//   fetching  ----+                             what comes meanwhile is of the next
//
// So a pull of many small layers waits for few syncs, the disk writes while layers are inflated,
// and a layer's lock is held no longer than its sync takes: who waits for it in another process
// does not wait for the rest of our pull. A commit itself waits for no lock.
#pragma once

#include "base/result.h"
#include "image/store.h"

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace berth::image {

class CommitQueue {
 public:
  // Called on the queue's thread with what has become visible.
  using Seen = std::function<void(const Store::Finished& finished)>;

  // `store` is borrowed.
  CommitQueue(Store& store, Seen seen);
  CommitQueue(const CommitQueue&) = delete;
  CommitQueue& operator=(const CommitQueue&) = delete;
  ~CommitQueue();

  // Gives the error of an earlier commit; then nothing of what comes is kept.
  Status add(Store::Finished finished);
  Status status();
  // Waits until all that was added is visible, or dropped after an error. Nothing may be added
  // after it.
  Status close();

 private:
  std::vector<Store::Finished> take();
  void work();

  Store& store_;
  Seen seen_;
  std::mutex mutex_;  // of what follows
  std::condition_variable changed_;
  std::vector<Store::Finished> waiting_;
  bool is_closed_ = false;
  Status status_;  // the first failure
  std::thread thread_;
};

}  // namespace berth::image
