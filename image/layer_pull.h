// LayerPull: all layers of one image, a few at a time, bottom first: so a layer that waits for its
// lower ones waits for somebody who works.
//
//   waiting -> fetching, unpacking -> unpacked -> visible
//              |                      |           the commit queue has synced and renamed it
//              |                      upper layers may look at it, wherever its directory stands
//              workers; one that waits for lower layers makes room for one more
#pragma once

#include "base/env.h"
#include "base/result.h"
#include "image/commit_queue.h"
#include "image/layer_fetch.h"
#include "image/manifest.h"
#include "image/merged.h"
#include "image/puller.h"
#include "image/source.h"
#include "image/store.h"
#include "sys/fd.h"
#include "sys/loop_device.h"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace berth::image {

class LayerPull {
 public:
  // Borrowed, but for env.
  struct Job {
    const PullerConfig& config;
    Env env;
    const Puller::Request& request;
    const Manifest& manifest;
    const ImageConfig& image;
  };
  LayerPull(Store& store, Source& source, const Job& job);

  // Until all layers are visible. After a failure those that were unpacked by then are, too: the
  // next pull needs them.
  Status run();

  const std::vector<std::string>& chain() const { return chain_; }

 private:
  const Descriptor& blob_of(size_t layer) const { return job_.manifest.layers[layer]; }
  void work();
  std::optional<size_t> next();
  Status bring(size_t layer);
  bool is_there(size_t layer) const;
  Result<std::optional<Store::Finished>> fetch(size_t layer);
  LayerFetch plan(size_t layer, Instant& reported);
  Status remember(size_t layer, const std::optional<Store::Finished>& finished);
  Status check_stop();
  Result<MergedView> lower(size_t layer);
  Result<int> opened(size_t layer, sys::AttachedLoopDevices& attached);
  void report(const Progress& progress);
  void report_visible(const Store::Finished& finished);

  Store& store_;
  Source& source_;
  const Job job_;
  const std::vector<std::string> chain_;
  std::mutex report_mutex_;

  std::mutex opening_;          // of what follows
  std::vector<sys::Fd> roots_;  // of images that an upper layer has asked for

  std::mutex mutex_;  // of what follows
  std::condition_variable changed_;
  // Directories or images: open since they were whole, whatever their name.
  std::vector<sys::Fd> unpacked_;
  size_t next_ = 0;
  size_t working_ = 0;  // workers that do not wait for lower layers
  Status result_;       // the first failure

  CommitQueue commits_;  // last: its thread reports
};

}  // namespace berth::image
