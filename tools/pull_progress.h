// PullProgress: what a person sees while images come in. On a terminal one line a layer, redrawn in
// place; elsewhere nothing, so that logs stay short.
#pragma once

#include "image/puller.h"

#include <cstdio>
#include <mutex>
#include <string>
#include <vector>

namespace berth::tools {

class PullProgress {
 public:
  // `to` is borrowed; nothing is drawn when it is no terminal.
  explicit PullProgress(FILE* to);

  // Safe from any thread.
  void update(const image::Progress& progress);

  // The lines as they would be drawn. Pure in the updates seen.
  std::vector<std::string> lines() const;

 private:
  void redraw();

  FILE* to_;
  bool draws_;
  std::mutex mutex_;
  std::vector<image::Progress> layers_;  // in order of first sight
  size_t drawn_ = 0;
};

}  // namespace berth::tools
