#include "tools/pull_progress.h"

#include "base/text.h"
#include "sys/terminal.h"

#include <nlohmann/json.hpp>

#include <unistd.h>

#include <algorithm>

namespace berth::tools {
namespace {

constexpr size_t kShownDigest = 12;
constexpr size_t kBarMax = 24;
constexpr size_t kBarMin = 4;
constexpr size_t kBesideBar = 52;  // the rest of a line with a bar
constexpr size_t kRowsBelow = 2;   // the total, and the cursor

std::string short_digest(const std::string& digest) {
  size_t colon = digest.find(':');
  return digest.substr(colon == std::string::npos ? 0 : colon + 1, kShownDigest);
}

// Empty where there is no room for one.
std::string bar(uint64_t done, uint64_t total, size_t columns) {
  if (columns < kBesideBar + kBarMin) return "";
  size_t width = std::min(kBarMax, columns - kBesideBar);
  double part = total == 0 ? 0 : static_cast<double>(done) / static_cast<double>(total);
  size_t full = std::min(width, static_cast<size_t>(part * static_cast<double>(width)));
  return "[" + std::string(full, '=') + std::string(width - full, ' ') + "] ";
}

std::string state_of(const image::Progress& layer, size_t columns) {
  switch (layer.phase) {
    case image::Phase::kDownloading:
    case image::Phase::kUploading:
      return fmt::format("{:<11} {}{} / {}", name_of(layer.phase),
                         bar(layer.bytes_done, layer.bytes_total, columns),
                         format_bytes(layer.bytes_done), format_bytes(layer.bytes_total));
    case image::Phase::kDone:
      return fmt::format("{:<11} {}", name_of(layer.phase), format_bytes(layer.bytes_total));
    case image::Phase::kWaiting:
    case image::Phase::kUnpacking:
    case image::Phase::kExists:
      return name_of(layer.phase);
  }
  return "";
}

bool is_finished(const image::Progress& layer) {
  return layer.phase == image::Phase::kDone || layer.phase == image::Phase::kExists;
}

std::string line_of(const image::Progress& layer, size_t columns) {
  return fmt::format("  {}  {}", short_digest(layer.layer), state_of(layer, columns));
}

std::string format_seconds(uint64_t seconds) {
  if (seconds < 60) return fmt::format("{} s", seconds);
  if (seconds < 3600) return fmt::format("{} min {} s", seconds / 60, seconds % 60);
  return fmt::format("{} h {} min", seconds / 3600, seconds / 60 % 60);
}

}  // namespace

const char* name_of(image::Phase phase) {
  switch (phase) {
    case image::Phase::kWaiting:
      return "waiting";
    case image::Phase::kDownloading:
      return "downloading";
    case image::Phase::kUnpacking:
      return "unpacking";
    case image::Phase::kUploading:
      return "uploading";
    case image::Phase::kDone:
      return "done";
    case image::Phase::kExists:
      return "exists";
  }
  return "";
}

std::string render_event(const image::Progress& progress) {
  nlohmann::json event = {{"event", "layer"},
                          {"layer", progress.layer},
                          {"phase", name_of(progress.phase)},
                          {"done", progress.bytes_done},
                          {"total", progress.bytes_total}};
  return event.dump() + "\n";
}

std::string render_done_event(const std::string& reference, const std::string& digest) {
  nlohmann::json event = {{"event", "done"}, {"reference", reference}, {"digest", digest}};
  return event.dump() + "\n";
}

std::string render_error_event(const Error& error) {
  nlohmann::json event = {
      {"event", "error"}, {"code", berth::name_of(error.code)}, {"message", error.text}};
  return event.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

PullProgress::PullProgress(FILE* to, ProgressStyle style, Clock& clock)
    : to_(to),
      style_(style),
      clock_(clock),
      draws_((style == ProgressStyle::kTerminal || style == ProgressStyle::kLines) &&
             ::isatty(::fileno(to)) == 1) {}

void PullProgress::update(const image::Progress& progress) {
  std::lock_guard lock(mutex_);
  remember(progress);
  if (style_ == ProgressStyle::kJson) return print(render_event(progress));
  if (draws_) return redraw();
  if (style_ == ProgressStyle::kLines && is_finished(progress)) {
    print(line_of(progress, Screen().columns) + "\n");
  }
}

void PullProgress::remember(const image::Progress& progress) {
  auto known = std::find_if(layers_.begin(), layers_.end(), [&](const image::Progress& layer) {
    return layer.layer == progress.layer;
  });
  if (known == layers_.end()) {
    layers_.push_back(progress);
  } else {
    *known = progress;
  }
  uint64_t moved = 0;
  for (const image::Progress& layer : layers_) {
    if (layer.phase != image::Phase::kExists) moved += layer.bytes_done;
  }
  rate_.add(clock_.now(), moved);
}

// Of what has to move: what is there already says nothing about the time left.
std::string PullProgress::total_line() const {
  uint64_t done = 0;
  uint64_t total = 0;
  bool is_over = true;
  for (const image::Progress& layer : layers_) {
    is_over = is_over && is_finished(layer);
    if (layer.phase == image::Phase::kExists) continue;
    done += layer.bytes_done;
    total += layer.bytes_total;
  }
  std::string line = fmt::format("  {:<{}}  {} / {}", "total", kShownDigest, format_bytes(done),
                                 format_bytes(total));
  if (is_over) return line;
  auto left = rate_.seconds_for(total > done ? total - done : 0);
  if (!left) return line;
  line += fmt::format("  {}/s", format_bytes(static_cast<uint64_t>(rate_.bytes_per_second())));
  if (done < total) line += fmt::format("  {} left", format_seconds(*left));
  return line;
}

std::vector<std::string> PullProgress::lines(const Screen& screen) const {
  // What is off the screen cannot be redrawn: finished layers make room, the oldest first.
  size_t room = std::max<size_t>(screen.rows, kRowsBelow + 1) - kRowsBelow;
  size_t surplus = layers_.size() > room ? layers_.size() - room : 0;
  std::vector<std::string> lines;
  for (const image::Progress& layer : layers_) {
    if (surplus > 0 && is_finished(layer)) {
      --surplus;
    } else if (lines.size() < room) {
      lines.push_back(line_of(layer, screen.columns));
    }
  }
  lines.push_back(total_line());
  for (std::string& line : lines) line = line.substr(0, screen.columns);
  return lines;
}

void PullProgress::redraw() {
  auto size = sys::window_size(::fileno(to_));
  Screen screen;
  if (size && size->columns > 0 && size->rows > 0) screen = {size->columns, size->rows};
  std::vector<std::string> drawn = lines(screen);
  std::string text;
  if (drawn_ > 0) text += fmt::format("\x1b[{}A", drawn_);
  for (const std::string& line : drawn) text += "\x1b[2K" + line + "\n";
  text += "\x1b[J";  // there may be fewer lines than before
  drawn_ = drawn.size();
  print(text);
}

void PullProgress::print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), to_);
  std::fflush(to_);
}

}  // namespace berth::tools
