#include "image/layer_pull.h"

#include "image/digest.h"
#include "sys/file.h"
#include "sys/image_mount.h"

#include <fcntl.h>

#include <algorithm>
#include <thread>
#include <utility>

namespace berth::image {
namespace {

// Beyond the workers that work. Each holds a connection and a full buffer.
constexpr size_t kWaitingWorkersMax = 2;

}  // namespace

LayerPull::LayerPull(Store& store, Source& source, const Job& job)
    : store_(store),
      source_(source),
      job_(job),
      chain_(chain_ids(job.image.diff_ids)),
      roots_(chain_.size()),
      unpacked_(chain_.size()),
      commits_(store, [this](const Store::Finished& finished) { report_visible(finished); }) {}

Status LayerPull::run() {
  uint64_t expected = 0;
  for (size_t layer = 0; layer < chain_.size(); ++layer) {
    const Descriptor& blob = blob_of(layer);
    report({blob.digest, Phase::kWaiting, 0, blob.size});
    if (!is_there(layer)) expected += blob.size;
  }
  bool is_known = std::ranges::all_of(job_.manifest.layers, &Descriptor::size);
  if (is_known) commits_.expect(expected);
  std::vector<std::thread> threads;
  size_t count = std::min(job_.config.workers + kWaitingWorkersMax, chain_.size());
  for (size_t i = 0; i < count; ++i) threads.emplace_back([this] { work(); });
  for (std::thread& thread : threads) thread.join();
  // First: a layer that was not committed is gone, and the ones above it fail for want of it.
  TRY(commits_.close());
  return std::move(result_);
}

void LayerPull::work() {
  while (auto layer = next()) {
    Status done = bring(*layer);
    std::lock_guard lock(mutex_);
    --working_;
    if (!done && result_) result_ = wrap(done.error(), "layer {}", blob_of(*layer).digest);
    changed_.notify_all();
  }
}

std::optional<size_t> LayerPull::next() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] {
    return !result_ || next_ == chain_.size() || working_ < job_.config.workers;
  });
  if (!result_ || next_ == chain_.size()) return std::nullopt;
  ++working_;
  return next_++;
}

Status LayerPull::bring(size_t layer) {
  std::optional<Store::Finished> finished = TRY(fetch(layer));
  TRY(remember(layer, finished));
  if (finished) return commits_.add(std::move(*finished));
  const Descriptor& blob = blob_of(layer);
  report({blob.digest, Phase::kExists, blob.size, blob.size});
  return {};
}

bool LayerPull::is_there(size_t layer) const {
  return store_.has_layer(chain_[layer]) && store_.has_blob(blob_of(layer).digest);
}

// Nothing when the store has it.
Result<std::optional<Store::Finished>> LayerPull::fetch(size_t layer) {
  const Descriptor& blob = blob_of(layer);
  if (is_there(layer)) return std::optional<Store::Finished>();
  report({blob.digest, Phase::kDownloading, 0, blob.size});
  Instant reported = job_.env.clock.now();
  return fetch_layer(store_, source_, plan(layer, reported));
}

// `reported`: when the progress was told last.
LayerFetch LayerPull::plan(size_t layer, Instant& reported) {
  LayerFetch fetch{blob_of(layer),
                   job_.image.diff_ids[layer],
                   chain_[layer],
                   [this, layer] { return lower(layer); },
                   job_.config.limits,
                   job_.config.layers,
                   nullptr};
  fetch.on_bytes = [this, &blob = blob_of(layer), &reported,
                    before = uint64_t{0}](uint64_t bytes) mutable -> Status {
    TRY(check_stop());
    // Fewer than before: from the beginning once more, the store's own blob was damaged.
    commits_.came(bytes < before ? bytes : bytes - before);
    before = bytes;
    Instant now = job_.env.clock.now();
    if (bytes == blob.size) {
      report({blob.digest, Phase::kUnpacking, bytes, blob.size});
    } else if (now - reported >= kProgressEvery) {
      reported = now;
      report({blob.digest, Phase::kDownloading, bytes, blob.size});
    }
    return {};
  };
  return fetch;
}

// Before the queue has it: then its tree may be renamed at any time.
Status LayerPull::remember(size_t layer, const std::optional<Store::Finished>& finished) {
  bool is_fresh = finished && finished->layer;
  std::string path =
      is_fresh ? Store::unpacked_tree(finished->scratch) : store_.layer_tree(chain_[layer]);
  sys::Fd tree = TRY(sys::open(path, O_RDONLY));
  std::lock_guard lock(mutex_);
  unpacked_[layer] = std::move(tree);
  changed_.notify_all();
  return {};
}

Status LayerPull::check_stop() {
  if (job_.request.cancel != nullptr && job_.request.cancel->is_cancelled()) {
    return fail(Errc::kCancelled, "cancelled");
  }
  TRY(commits_.status());
  std::lock_guard lock(mutex_);
  if (!result_) return fail(Errc::kCancelled, "another layer failed");
  return {};
}

Result<MergedView> LayerPull::lower(size_t layer) {
  std::unique_lock lock(mutex_);
  auto end = unpacked_.begin() + static_cast<std::ptrdiff_t>(layer);
  --working_;
  changed_.notify_all();
  changed_.wait(lock, [&] {
    return !result_ ||
           std::all_of(unpacked_.begin(), end, [](const sys::Fd& fd) { return bool{fd}; });
  });
  ++working_;
  if (!result_) return fail(Errc::kCancelled, "a lower layer failed");
  lock.unlock();
  std::lock_guard opening(opening_);
  sys::AttachedLoopDevices attached;
  std::vector<int> directories;
  for (size_t below = 0; below < layer; ++below) {
    directories.push_back(TRY(opened(below, attached)));
  }
  return MergedView::over(directories);
}

// Of an image its root, which stays open for all who ask later: attaching a device waits for the
// disk (sys/loop_device.h). What is in `unpacked_` once stays there.
Result<int> LayerPull::opened(size_t layer, sys::AttachedLoopDevices& attached) {
  std::unique_lock lock(mutex_);
  int tree = unpacked_[layer].get();
  lock.unlock();
  if (S_ISDIR(TRY(sys::stat_fd(tree)).st_mode)) return tree;
  if (!roots_[layer]) {
    auto root = sys::open_tree_of(sys::proc_path(tree), attached);
    if (!root) return wrap(std::move(root).error(), "layer {}", blob_of(layer).digest);
    roots_[layer] = std::move(*root);
  }
  return roots_[layer].get();
}

void LayerPull::report(const Progress& progress) {
  if (!job_.request.progress) return;
  std::lock_guard lock(report_mutex_);
  job_.request.progress(progress);
}

void LayerPull::report_visible(const Store::Finished& finished) {
  const std::string& digest = finished.layer ? finished.layer->blob : finished.blob;
  auto blob = std::ranges::find(job_.manifest.layers, digest, &Descriptor::digest);
  report({digest, Phase::kDone, blob->size, blob->size});
}

}  // namespace berth::image
