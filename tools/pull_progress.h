// PullProgress: what a person, or a program, sees while images come in or go out.
//
//   on a terminal   a line a layer and one for all of them, redrawn in place
//   elsewhere       a line for each layer that is done
//   json            an event a line, see docs/cli.md
#pragma once

#include "base/env.h"
#include "image/puller.h"
#include "tools/transfer_rate.h"

#include <cstdio>
#include <mutex>
#include <string>
#include <vector>

namespace berth::tools {

enum class ProgressStyle {
  kTerminal,  // nothing elsewhere
  kLines,     // a line a layer elsewhere
  kJson,
  kNone,
};

struct Screen {
  size_t columns = 80;
  size_t rows = 24;
};

// "waiting", "downloading", ...: as events name it.
const char* name_of(image::Phase phase);

// The events as JSON, with the newline.
std::string render_event(const image::Progress& progress);
std::string render_done_event(const std::string& reference, const std::string& digest);
std::string render_error_event(const Error& error);

class PullProgress {
 public:
  // `to` and `clock` are borrowed.
  PullProgress(FILE* to, ProgressStyle style, Clock& clock);

  // Safe from any thread.
  void update(const image::Progress& progress);

  // The lines as they would be drawn. Pure in the updates seen.
  std::vector<std::string> lines(const Screen& screen) const;

 private:
  void remember(const image::Progress& progress);
  std::string total_line() const;
  void redraw();
  void print(const std::string& text);

  FILE* to_;
  ProgressStyle style_;
  Clock& clock_;
  bool draws_;
  std::mutex mutex_;
  std::vector<image::Progress> layers_;  // in order of first sight
  TransferRate rate_;
  size_t drawn_ = 0;
};

}  // namespace berth::tools
