// LogPrinter: how `berth run` shows what containers print.
//
//   web   | GET / 200          every container, prefixed (and coloured on a terminal)
//   GET / 200                  one container only, unprefixed, standard error kept apart
#pragma once

#include <cstdio>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace berth::tools {

enum class Colour { kNever, kAlways };

class LogPrinter {
 public:
  // `only` empty: all of `containers`, prefixed, to `out`. Otherwise that container's text as it
  // is, its standard output to `out` and its standard error to `err`. Both are borrowed.
  LogPrinter(std::vector<std::string> containers, std::string only, Colour colour, FILE* out,
             FILE* err);

  // A whole line or a piece of one; a piece is continued by the next text of the same stream.
  void print(const std::string& container, const std::string& stream, std::string_view text);
  // The same with `time` in front of what begins a line.
  void print(const std::string& container, const std::string& stream, std::string_view time,
             std::string_view text);
  // Ends a line that was never finished, so that the next output starts at the left margin.
  void finish();

 private:
  std::string prefix_of(const std::string& container) const;
  void print_only(const std::string& stream, const std::string& stamp, std::string_view text);

  std::vector<std::string> containers_;
  std::string only_;
  Colour colour_;
  FILE* out_;
  FILE* err_;
  size_t width_ = 0;
  // The (container, stream) whose line is unfinished, if any.
  std::pair<std::string, std::string> open_;
  bool is_open_ = false;
  std::set<std::string> open_streams_;  // of the only container: those whose line is unfinished
};

}  // namespace berth::tools
