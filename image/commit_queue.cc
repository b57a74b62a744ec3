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

void CommitQueue::expect(uint64_t bytes) {
  std::lock_guard lock(mutex_);
  expected_ = bytes;
}

void CommitQueue::came(uint64_t bytes) {
  std::lock_guard lock(mutex_);
  came_ += bytes;
  expected_ -= std::min(expected_, bytes);
  if (is_much()) changed_.notify_all();
}

bool CommitQueue::is_much() const {
  bool is_near_end = expected_ > 0 && came_ >= expected_;
  return came_ >= (is_near_end ? kLastSyncBytes : kEarlySyncBytes);
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

CommitQueue::Work CommitQueue::take() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return is_closed_ || !waiting_.empty() || is_much(); });
  came_ = 0;
  return {std::exchange(waiting_, {}), is_closed_};
}

// Nothing is whole yet that came meanwhile, so an early sync is followed by that of a commit.
Status CommitQueue::perform(const Work& work) {
  if (work.batch.empty()) return store_.sync_early();
  TRY(store_.commit(work.batch));
  std::ranges::for_each(work.batch, seen_);
  return {};
}

// Locks and scratch directories go with each batch, before the next is waited for.
void CommitQueue::work() {
  while (true) {
    Work work = take();
    if (work.batch.empty() && work.is_end) return;
    if (!status()) continue;
    Status done = perform(work);
    std::lock_guard lock(mutex_);
    status_ = std::move(done);
  }
}

}  // namespace berth::image
