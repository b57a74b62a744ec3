// CommitQueue: makes visible what several threads fetch, on a thread of its own, while they go on.
//
//   fetching  ----+
//   fetching  ----+--> finished, finished  -->  one sync for all that is there  -->  renames
//   fetching  ----+                             what comes meanwhile is of the next
//
// So a pull of many small layers waits for few syncs, and a layer's lock is held no longer than its
// sync takes: who waits for it in another process does not wait for the rest of our pull. A commit
// itself waits for no lock. While large layers come there is a sync now and then that nobody waits
// for: the disk writes while they are inflated, and the last sync finds little left.
#pragma once

#include "base/result.h"
#include "image/store.h"

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <limits>
#include <mutex>
#include <thread>
#include <vector>

namespace berth::image {

// Of compressed bytes: two to four times as many are on their way to the disk then.
constexpr uint64_t kEarlySyncBytes = uint64_t{64} << 20;
// Towards the end, when no more is to come than came since the last one, there is a sync at each
// half of the rest, down to this: while nothing but the last one runs a processor stands idle.
constexpr uint64_t kLastSyncBytes = uint64_t{4} << 20;

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
  // So many bytes of layers are to come in all. Who does not know says nothing.
  void expect(uint64_t bytes);
  // So many more of them have come: after each kEarlySyncBytes what is there is synced.
  void came(uint64_t bytes);
  Status status();
  // Waits until all that was added is visible, or dropped after an error. Nothing may be added
  // after it.
  Status close();

 private:
  // What the thread is to do next.
  struct Work {
    std::vector<Store::Finished> batch;
    bool is_end;  // nothing comes any more
  };
  bool is_much() const;
  Work take();
  Status perform(const Work& work);
  void work();

  Store& store_;
  Seen seen_;
  std::mutex mutex_;  // of what follows
  std::condition_variable changed_;
  std::vector<Store::Finished> waiting_;
  uint64_t came_ = 0;                                         // bytes since the last sync began
  uint64_t expected_ = std::numeric_limits<uint64_t>::max();  // that are still to come
  bool is_closed_ = false;
  Status status_;  // the first failure
  std::thread thread_;
};

}  // namespace berth::image
