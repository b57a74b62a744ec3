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
  if (!only_.empty()) {
    if (container != only_) return;
    FILE* to = stream == "stderr" ? err_ : out_;
    write(to, text);
    std::fflush(to);
    return;
  }
  std::pair<std::string, std::string> from(container, stream);
  if (is_open_ && from != open_) write(out_, "\n");
  if (!is_open_ || from != open_) write(out_, prefix_of(container));
  write(out_, text);
  is_open_ = !text.ends_with('\n');
  open_ = std::move(from);
  std::fflush(out_);
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
