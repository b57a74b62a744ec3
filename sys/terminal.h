// The terminal that we were started from, as the foreground of `run -t` needs it.
#pragma once

#include "base/result.h"
#include "sys/fd.h"

#include <termios.h>

#include <cstdint>
#include <optional>
#include <utility>

namespace berth::sys {

// The first of standard error, output and input that is a terminal, else /dev/tty; nothing when
// there is none.
std::optional<Fd> own_terminal();

struct WindowSize {
  uint16_t columns = 0;
  uint16_t rows = 0;
};
Result<WindowSize> window_size(int terminal);
Status set_window_size(int terminal, const WindowSize& size);
// Gives one the size of the other.
Status copy_window_size(int from, int to);

// A terminal of ours for a program, pty(7): what is written to one end is typed or shown at the
// other. Ours does not block.
struct Terminal {
  Fd ours;
  Fd theirs;
};
Result<Terminal> make_terminal(const WindowSize& size);

// What a terminal in raw mode makes of a newline that is printed: the beginning of the next line,
// or only a step down, for programs that see to the rest themselves.
enum class Newlines { kTranslated, kAsTheyAre };

// A terminal whose every key is handed on, as cfmakeraw(3). Restored by the destructor.
class RawMode {
 public:
  static Result<RawMode> enter(Fd terminal, Newlines newlines);
  RawMode(RawMode&& other) noexcept = default;
  RawMode& operator=(RawMode&& other) = delete;
  ~RawMode();
  int terminal() const { return terminal_.get(); }

 private:
  RawMode(Fd terminal, const termios& before) : terminal_(std::move(terminal)), before_(before) {}
  Fd terminal_;
  termios before_;
};

}  // namespace berth::sys
