// Our standard input, and what the terminal of a container shows, in `berth run` and `attach`.
//
//   standard input --> socket --> shim --> the container's terminal or standard input
//   standard output <-- pipe <-- shim <-- its terminal, or its standard output, beside the log
//   standard error <-- pipe <-- shim <-- its standard error, where that is apart
//
// While the container has a terminal and runs, our own hands on every key as it is.
#pragma once

#include "agent/agent.h"
#include "base/env.h"
#include "base/result.h"
#include "scheduler/task_definition.h"
#include "sys/loop.h"
#include "sys/terminal.h"
#include "tools/detach_keys.h"

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace berth::tools {

// The container that our standard input is for: the one named if it is interactive, or the only
// interactive one. Null when there is none, or when our standard input is a device that is no
// terminal (/dev/null): then nobody types, and its input stays open.
const scheduler::ContainerDefinition* console_container(const scheduler::TaskDefinition& definition,
                                                        const std::string& named);

struct ConsoleOptions {
  std::string container;
  bool has_terminal = false;          // the container
  bool shows_streams = false;         // its standard streams, if it has no terminal
  bool reads = true;                  // our standard input is for it
  std::optional<DetachKeys> keys{};   // looked for where we hand on every key
  std::function<void()> on_detach{};  // once: they were typed, or nobody takes what we show
  std::function<void()> on_shown{};   // all that there is to show has been shown
};

class OwnConsole {
 public:
  static Result<std::unique_ptr<OwnConsole>> make(ConsoleOptions options, sys::Loop& loop,
                                                  Clock& clock);
  OwnConsole(const OwnConsole&) = delete;
  OwnConsole& operator=(const OwnConsole&) = delete;
  ~OwnConsole();

  const std::string& container() const { return options_.container; }
  // Its output is shown here and not from the log.
  bool shows(const std::string& container) const {
    return shows_anything() && container == options_.container;
  }
  bool has_shown_all() const { return !outlets_[0].from && !outlets_[1].from; }
  // Our terminal hands on every key.
  bool is_raw() const { return raw_.has_value(); }

  // The shim's ends; once.
  agent::ConsoleClient client();
  // Of our terminal; 0 by 0 when we have none.
  runtime::Window window() const;

  // As our terminal needs it to show it: where it hands on every key, it makes nothing of newlines.
  std::string line_for_terminal(std::string text) const;

  // The container runs: from now on it is typed at.
  Status begin();
  // All that it has shown, once it has ended: to the end of it, or until a supervisor that is to
  // give us more has been waited for long enough. That our terminal is slow costs nothing of that.
  void drain();
  // It has ended: nobody types any more, and our terminal is again as it was. Without a drain()
  // before, what it has shown may still be on its way.
  void end();

 private:
  struct Outlet {
    sys::Fd from;
    int to;
  };
  OwnConsole(ConsoleOptions options, sys::Loop& loop, Clock& clock);
  bool shows_anything() const { return options_.has_terminal || options_.shows_streams; }
  Result<sys::Fd> open_outlet(size_t i);
  void read_input();
  void take_typed(std::string_view typed);
  void send_input();
  void await_input();
  void end_input();
  void detach();
  // True when there may be more.
  bool show_output(size_t i);
  bool has_last_words(size_t i);
  void close_output(size_t i);

  ConsoleOptions options_;
  sys::Loop& loop_;
  Clock& clock_;
  bool on_terminal_;
  bool has_begun_ = false;
  bool can_wait_ = true;  // epoll(7) refuses files, which are always ready
  sys::Fd input_;
  std::array<Outlet, 2> outlets_;
  agent::ConsoleClient theirs_;
  std::string unsent_;
  bool detach_when_sent_ = false;
  bool has_detached_ = false;
  Duration waited_{0};  // for last words
  std::optional<sys::Loop::TimerId> next_read_;
  std::optional<sys::RawMode> raw_;
};

}  // namespace berth::tools
