#include "tools/log_printer.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

namespace berth::tools {
namespace {

// Cyan, yellow, green, magenta, blue, and their bright forms: told apart on dark and light grounds.
constexpr std::array<const char*, 10> kColours = {"36", "33", "32", "35", "34",
                                                  "96", "93", "92", "95", "94"};

void write(FILE* to, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), to);
}

}  // namespace

LogPrinter::LogPrinter(std::vector<std::string> containers, std::string only, Colour colour,
                       FILE* out, FILE* err)
    : containers_(std::move(containers)),
      only_(std::move(only)),
      colour_(colour),
      out_(out),
      err_(err) {
  for (const std::string& name : containers_) width_ = std::max(width_, name.size());
}

void LogPrinter::print(const std::string& container, const std::string& stream,
                       std::string_view text) {
  print(container, stream, "", text);
}

void LogPrinter::print(const std::string& container, const std::string& stream,
                       std::string_view time, std::string_view text) {
  std::string stamp = time.empty() ? "" : std::string(time) + " ";
  if (!only_.empty()) {
    if (container == only_) print_only(stream, stamp, text);
    return;
  }
  std::pair<std::string, std::string> from(container, stream);
  // An event may be of several lines.
  while (!text.empty()) {
    size_t end = text.find('\n');
    std::string_view line = text.substr(0, end == std::string_view::npos ? end : end + 1);
    bool is_continued = is_open_ && from == open_;
    if (is_open_ && !is_continued) write(out_, "\n");
    if (!is_continued) write(out_, prefix_of(container) + stamp);
    write(out_, line);
    is_open_ = !line.ends_with('\n');
    open_ = from;
    text.remove_prefix(line.size());
  }
  std::fflush(out_);
}

void LogPrinter::print_only(const std::string& stream, const std::string& stamp,
                            std::string_view text) {
  FILE* to = stream == "stderr" ? err_ : out_;
  if (!open_streams_.contains(stream)) write(to, stamp);
  write(to, text);
  std::fflush(to);
  if (text.ends_with('\n')) {
    open_streams_.erase(stream);
  } else {
    open_streams_.insert(stream);
  }
}

void LogPrinter::finish() {
  if (is_open_) write(out_, "\n");
  is_open_ = false;
  std::fflush(out_);
}

std::string LogPrinter::prefix_of(const std::string& container) const {
  std::string name = fmt::format("{:<{}} | ", container, width_);
  if (colour_ == Colour::kNever) return name;
  auto index = static_cast<size_t>(std::find(containers_.begin(), containers_.end(), container) -
                                   containers_.begin());
  return fmt::format("\x1b[{}m{}\x1b[0m", kColours[index % kColours.size()], name);
}

}  // namespace berth::tools
