// Our standard input, and what the terminal of a container shows, in `berth run`.
//
//   standard input --> socket --> shim --> the container's terminal or standard input
//   standard output <-- pipe <-- shim <-- its terminal, beside the log (none without a terminal)
//
// While the container has a terminal and runs, our own hands on every key as it is.
#pragma once

#include "agent/agent.h"
#include "base/result.h"
#include "scheduler/task_definition.h"
#include "sys/loop.h"
#include "sys/terminal.h"

#include <memory>
#include <optional>
#include <string>

namespace berth::tools {

// The container that our standard input is for: the one named if it is interactive, or the only
// interactive one. Null when there is none, or when our standard input is a device that is no
// terminal (/dev/null): then nobody types, and its input stays open.
const scheduler::ContainerDefinition* console_container(const scheduler::TaskDefinition& definition,
                                                        const std::string& named);

class OwnConsole {
 public:
  static Result<std::unique_ptr<OwnConsole>> make(const scheduler::ContainerDefinition& container,
                                                  sys::Loop& loop);
  OwnConsole(const OwnConsole&) = delete;
  OwnConsole& operator=(const OwnConsole&) = delete;
  ~OwnConsole();

  const std::string& container() const { return container_; }
  // Its output is shown here and not from the log.
  bool shows(const std::string& container) const { return shows_ && container == container_; }

  // The shim's ends; once.
  agent::ConsoleClient client();
  // Of our terminal; 0 by 0 when we have none.
  runtime::Window window() const;

  // As our terminal needs it to show it: where it hands on every key, it makes nothing of newlines.
  std::string line_for_terminal(std::string text) const;

  // The container runs: from now on it is typed at.
  Status begin();
  // All that it has shown.
  void drain();
  // It has ended: nobody types any more, and our terminal is again as it was. What it has shown may
  // still be on its way.
  void end();

 private:
  OwnConsole(const scheduler::ContainerDefinition& container, sys::Loop& loop);
  void read_input();
  void send_input();
  void await_input();
  void end_input();
  // True when there may be more.
  bool show_output();
  void close_output();

  std::string container_;
  sys::Loop& loop_;
  bool shows_;
  bool on_terminal_;
  bool can_wait_ = true;  // epoll(7) refuses files, which are always ready
  sys::Fd input_;
  sys::Fd output_;
  sys::Fd their_input_;
  sys::Fd their_output_;
  std::string unsent_;
  std::optional<sys::Loop::TimerId> next_read_;
  std::optional<sys::RawMode> raw_;
};

}  // namespace berth::tools
