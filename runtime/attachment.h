// A client at the terminal or the standard input of a container.
//
//   client                    shim
//     input pipe    ------>     the container's terminal, or the pipe that is its standard input
//     output pipe   <------     what a terminal shows, beside the log
//
// Neither side waits for the other for ever: what the container does not read stays in the client's
// pipe, and of a client that does not read, the container waits as it would for a terminal that is
// held (is_behind). What is left when the container has ended is given a moment.
#pragma once

#include "base/result.h"
#include "sys/fd.h"
#include "sys/loop.h"

#include <functional>
#include <string>
#include <string_view>

namespace berth::runtime {

// Bytes for a client that does not read, before the container has to wait.
constexpr size_t kBehindMax = 64 * 1024;

class Attachment {
 public:
  struct Client {
    sys::Fd input;
    sys::Fd output;  // empty: it is shown nothing
  };
  struct Handlers {
    std::function<void()> input_ended;  // the client has nothing more to say
    std::function<void()> caught_up;    // it is not behind any more
  };
  Attachment(sys::Loop& loop, Client client, Handlers handlers);
  Attachment(const Attachment&) = delete;
  Attachment& operator=(const Attachment&) = delete;
  ~Attachment();

  // Begins to listen to the client; its input goes to `target`. Again when the container has been
  // started again.
  Status aim(sys::Fd target);
  // What the container's terminal shows.
  void show(std::string_view bytes);
  bool is_behind() const { return unshown_.size() >= kBehindMax; }
  // Nothing more will be shown, and nobody reads any more.
  void end();
  // The client has gone, or there is nothing more for it.
  bool is_over() const { return !client_.input && !client_.output; }

 private:
  void take_input();
  void give_input();
  void end_input();
  void give_output();
  void close_output();

  sys::Loop& loop_;
  Client client_;
  Handlers handlers_;
  sys::Fd target_;
  std::string unread_;   // of the client's input, by the container
  std::string unshown_;  // of the container's output
  bool ended_ = false;
};

}  // namespace berth::runtime
