#include "tools/pull_progress.h"

#include "base/text.h"

#include <unistd.h>

#include <algorithm>

namespace berth::tools {
namespace {

constexpr size_t kShownDigest = 12;
constexpr size_t kBarWidth = 24;

std::string short_digest(const std::string& digest) {
  size_t colon = digest.find(':');
  return digest.substr(colon == std::string::npos ? 0 : colon + 1, kShownDigest);
}

std::string bar(uint64_t done, uint64_t total) {
  size_t full = total == 0 ? 0 : std::min<size_t>(kBarWidth, kBarWidth * done / total);
  return "[" + std::string(full, '=') + std::string(kBarWidth - full, ' ') + "]";
}

std::string state_of(const image::Progress& layer) {
  switch (layer.phase) {
    case image::Phase::kWaiting:
      return "waiting";
    case image::Phase::kDownloading:
      return fmt::format("pulling  {} {} / {}", bar(layer.bytes_done, layer.bytes_total),
                         format_bytes(layer.bytes_done), format_bytes(layer.bytes_total));
    case image::Phase::kUnpacking:
      return "unpacking";
    case image::Phase::kDone:
      return fmt::format("done     {}", format_bytes(layer.bytes_total));
    case image::Phase::kExists:
      return "already there";
  }
  return "";
}

}  // namespace

PullProgress::PullProgress(FILE* to) : to_(to), draws_(::isatty(::fileno(to)) == 1) {}

void PullProgress::update(const image::Progress& progress) {
  std::lock_guard lock(mutex_);
  auto known = std::find_if(layers_.begin(), layers_.end(), [&](const image::Progress& layer) {
    return layer.layer == progress.layer;
  });
  if (known == layers_.end()) {
    layers_.push_back(progress);
  } else {
    *known = progress;
  }
  if (draws_) redraw();
}

std::vector<std::string> PullProgress::lines() const {
  std::vector<std::string> lines;
  for (const image::Progress& layer : layers_) {
    lines.push_back(fmt::format("  {}  {}", short_digest(layer.layer), state_of(layer)));
  }
  return lines;
}

void PullProgress::redraw() {
  std::string text;
  if (drawn_ > 0) text += fmt::format("\x1b[{}A", drawn_);
  for (const std::string& line : lines()) text += "\x1b[2K" + line + "\n";
  drawn_ = layers_.size();
  std::fwrite(text.data(), 1, text.size(), to_);
  std::fflush(to_);
}

}  // namespace berth::tools
