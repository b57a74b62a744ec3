#include "image/commit_queue.h"

#include <algorithm>
#include <utility>

namespace berth::image {

CommitQueue::CommitQueue(Store& store, Seen seen)
    : store_(store), seen_(std::move(seen)), thread_([this] { work(); }) {}

CommitQueue::~CommitQueue() {
  (void)close();  // whoever cares has asked before
}

Status CommitQueue::add(Store::Finished finished) {
  std::lock_guard lock(mutex_);
  TRY(status_);
  waiting_.push_back(std::move(finished));
  changed_.notify_all();
  return {};
}

Status CommitQueue::status() {
  std::lock_guard lock(mutex_);
  return status_;
}

Status CommitQueue::close() {
  {
    std::lock_guard lock(mutex_);
    is_closed_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
  return status_;
}

// Empty: there is nothing more.
std::vector<Store::Finished> CommitQueue::take() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return is_closed_ || !waiting_.empty(); });
  return std::exchange(waiting_, {});
}

// Locks and scratch directories go with each batch, before the next is waited for.
void CommitQueue::work() {
  while (true) {
    std::vector<Store::Finished> batch = take();
    if (batch.empty()) return;
    if (!status()) continue;
    Status done = store_.commit(batch);
    if (done) std::ranges::for_each(batch, seen_);
    std::lock_guard lock(mutex_);
    status_ = std::move(done);
  }
}

}  // namespace berth::image
