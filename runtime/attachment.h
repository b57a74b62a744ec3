// A client at the terminal or the standard streams of a container.
//
//   client                    shim
//     input pipe    ------>     the container's terminal, or the pipe that is its standard input
//     output pipe   <------     what a terminal shows, or standard output, beside the log
//     error pipe    <------     standard error, where that is apart
//
// Neither side waits for the other for ever: what the container does not read stays in the client's
// pipe. Of the client that the task is in the foreground of, the container waits as it would for a
// terminal that is held (is_behind); any other one that does not read misses what has no room
// (`missed`). What is left when the container has ended is given a moment.
#pragma once

#include "base/result.h"
#include "sys/fd.h"
#include "sys/loop.h"

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace berth::runtime {

// Bytes for a client that does not read, before the container has to wait or the client misses
// some.
constexpr size_t kBehindMax = 64 * 1024;

class Attachment {
 public:
  // Which of the two gives way when the client does not read.
  enum class Behind { kContainerWaits, kClientMisses };
  enum class Stream { kOutput, kError };
  struct Client {
    sys::Fd input;
    sys::Fd output;  // empty: it is shown nothing
    sys::Fd error;   // likewise
    Behind behind = Behind::kClientMisses;
  };
  struct Handlers {
    std::function<void()> input_ended;  // the client has nothing more to say
    std::function<void()> caught_up;    // it is not behind any more
    std::function<void(uint64_t bytes)>
        missed;  // so much was not shown; it reads again, or is over
  };
  Attachment(sys::Loop& loop, Client client, Handlers handlers);
  Attachment(const Attachment&) = delete;
  Attachment& operator=(const Attachment&) = delete;
  ~Attachment();

  // Before anything else.
  Status open();
  // Begins to listen to the client; its input goes to `target`. Again when the container has been
  // started again.
  Status aim(sys::Fd target);
  // The container takes no more input.
  void end_input();
  // What the container prints, or its terminal shows.
  void show(Stream stream, std::string_view bytes);
  // The container has to wait.
  bool is_behind() const;
  // Nothing more will be shown, and nobody reads any more.
  void end();
  // The client has gone; what it has typed is read to its end.
  void client_left();
  // The client has gone, or there is nothing more for it.
  bool is_over() const { return !client_.input && !outlets_[0].to && !outlets_[1].to; }

 private:
  struct Outlet {
    sys::Fd to;
    std::string unshown;
  };
  void take_input();
  void give_input();
  void give_output(size_t i);
  void close_output(Outlet& outlet);
  void tell_missed();

  sys::Loop& loop_;
  Client client_;
  Handlers handlers_;
  std::array<Outlet, 2> outlets_;  // by Stream
  sys::Fd target_;
  std::string unread_;  // of the client's input, by the container
  uint64_t missed_ = 0;
  bool ended_ = false;
};

}  // namespace berth::runtime
