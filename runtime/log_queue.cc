#include "runtime/log_queue.h"

#include "runtime/log_losses.h"

#include <malloc.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

namespace berth::runtime {
namespace {

// What an entry takes of the buffer: short lines cost more memory than they have text.
uint64_t cost_of(const LogEntry& entry) {
  return std::max<uint64_t>(entry.text.size(), sizeof(LogEntry));
}

class LogQueue final : public LogDriver {
 public:
  LogQueue(std::unique_ptr<LogDriver> driver, LogQueueLimits limits, Env env)
      : driver_(std::move(driver)), limits_(limits), env_(env) {
    // One heap for both threads: a second one would cost more than all that we hold.
    (void)::mallopt(M_ARENA_MAX, 1);
    thread_ = std::thread([this] { deliver(); });
  }
  ~LogQueue() override { end(); }

  Status write(std::vector<LogEntry> entries) override {
    uint64_t dropped = 0;
    {
      std::lock_guard lock(mutex_);
      for (LogEntry& entry : entries) {
        // Even one that is larger than the buffer goes in when there is nothing before it.
        bool is_full = (bytes_ != 0 && bytes_ + cost_of(entry) > limits_.bytes) ||
                       (limits_.lines != 0 && lines_ >= limits_.lines);
        if (is_full) {
          ++dropped;
          continue;
        }
        bytes_ += cost_of(entry);
        ++lines_;
        waiting_.push_back(std::move(entry));
      }
    }
    ready_.notify_one();
    if (dropped == 0) return {};
    return fail(Errc::kExhausted, "the buffer of {} bytes is full: {} lines dropped", limits_.bytes,
                dropped);
  }

  Status finish() override {
    end();
    return {};
  }

 private:
  void end() {
    if (!thread_.joinable()) return;
    {
      std::lock_guard lock(mutex_);
      ending_ = true;
    }
    ready_.notify_one();
    thread_.join();
  }

  void deliver() {
    while (true) {
      std::vector<LogEntry> taken = take();
      bool is_end = taken.empty() && is_over();
      if (is_end) break;
      if (!taken.empty()) {
        uint64_t lines = taken.size();
        uint64_t bytes = 0;
        for (const LogEntry& entry : taken) bytes += cost_of(entry);
        losses_.note(driver_->write(std::move(taken)));
        std::lock_guard lock(mutex_);
        lines_ -= lines;
        bytes_ -= bytes;  // only now is there room: what is being delivered counts
      }
      losses_.note(driver_->tick(env_.clock.wall()));
    }
    losses_.note(driver_->finish());
  }

  // Some of what waits, so that room is made bit by bit; nothing when it is time for a tick or the
  // end.
  std::vector<LogEntry> take() {
    constexpr size_t kBatchMax = 256 * 1024;
    std::unique_lock lock(mutex_);
    auto has_work = [this] { return !waiting_.empty() || ending_; };
    if (auto due = driver_->due()) {
      ready_.wait_for(lock, *due - env_.clock.wall(), has_work);
    } else {
      ready_.wait(lock, has_work);
    }
    std::vector<LogEntry> taken;
    for (size_t bytes = 0; !waiting_.empty() && bytes < kBatchMax; waiting_.pop_front()) {
      bytes += waiting_.front().text.size();
      taken.push_back(std::move(waiting_.front()));
    }
    return taken;
  }

  bool is_over() {
    std::lock_guard lock(mutex_);
    return ending_ && waiting_.empty();
  }

  std::unique_ptr<LogDriver> driver_;  // the thread's
  LogLosses losses_;                   // the thread's
  LogQueueLimits limits_;
  Env env_;
  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<LogEntry> waiting_;
  uint64_t bytes_ = 0;  // waiting and being delivered
  uint64_t lines_ = 0;  // likewise
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace

std::unique_ptr<LogDriver> make_log_queue(std::unique_ptr<LogDriver> driver, LogQueueLimits limits,
                                          Env env) {
  return std::make_unique<LogQueue>(std::move(driver), limits, env);
}

}  // namespace berth::runtime
