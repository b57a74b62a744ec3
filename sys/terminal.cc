#include "sys/terminal.h"

#include "sys/call.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>

namespace berth::sys {

std::optional<Fd> own_terminal() {
  for (int fd : {STDERR_FILENO, STDOUT_FILENO, STDIN_FILENO}) {
    if (::isatty(fd) != 1) continue;
    auto copy = duplicate(fd);
    if (copy) return std::move(*copy);
  }
  Fd tty(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
  if (tty) return tty;
  return std::nullopt;
}

Result<WindowSize> window_size(int terminal) {
  winsize size{};
  TRY(run("TIOCGWINSZ", "", [&] { return ::ioctl(terminal, TIOCGWINSZ, &size); }));
  return WindowSize{.columns = size.ws_col, .rows = size.ws_row};
}

Status set_window_size(int terminal, const WindowSize& size) {
  winsize wanted{.ws_row = size.rows, .ws_col = size.columns};
  return run("TIOCSWINSZ", "", [&] { return ::ioctl(terminal, TIOCSWINSZ, &wanted); });
}

Status copy_window_size(int from, int to) {
  return set_window_size(to, TRY(window_size(from)));
}

Result<Terminal> make_terminal(const WindowSize& size) {
  Terminal terminal;
  terminal.ours = Fd(
      TRY(call("posix_openpt", "", [] { return ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC); })));
  int unlock = 0;
  TRY(run("TIOCSPTLCK", "", [&] { return ::ioctl(terminal.ours.get(), TIOCSPTLCK, &unlock); }));
  // By its number and not by a path: /dev/pts may be another one's.
  terminal.theirs = Fd(TRY(call("TIOCGPTPEER", "", [&] {
    return ::ioctl(terminal.ours.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  })));
  TRY(set_window_size(terminal.ours.get(), size));
  TRY(set_nonblocking(terminal.ours.get()));
  return terminal;
}

Result<RawMode> RawMode::enter(Fd terminal, Newlines newlines) {
  termios before{};
  TRY(run("tcgetattr", "", [&] { return ::tcgetattr(terminal.get(), &before); }));
  termios raw = before;
  ::cfmakeraw(&raw);
  if (newlines == Newlines::kTranslated) raw.c_oflag |= OPOST;
  TRY(run("tcsetattr", "", [&] { return ::tcsetattr(terminal.get(), TCSANOW, &raw); }));
  return RawMode(std::move(terminal), before);
}

RawMode::~RawMode() {
  // A terminal that hung up has nothing to restore.
  if (terminal_) (void)::tcsetattr(terminal_.get(), TCSANOW, &before_);
}

}  // namespace berth::sys
