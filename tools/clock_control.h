// ClockControl: the time of a berthd with --virtual-clock, on its socket for root:
//
//   GET  /berth/clock                    {"now": "2026-...Z", "ahead": SECONDS}
//   POST /berth/clock?advance=SECONDS    the same, when all that was due meanwhile is done
//
// The clock goes from timer to timer, and waits at each for what that began on the slow thread, so
// that an hour has sixty minutes for whoever counts them. It stands while a task starts or ends,
// which takes the time that it takes, but half a minute in all at most. How far ahead it is stands
// in a file, so that it does not go back when berthd starts anew.
#pragma once

#include "base/env.h"
#include "base/result.h"
#include "http/server.h"
#include "sys/clock.h"
#include "sys/loop.h"
#include "sys/workers.h"

#include <functional>
#include <string>
#include <utility>

namespace berth::tools {

class ClockControl {
 public:
  static constexpr const char* kPath = "/berth/clock";
  static constexpr const char* kFile = "/clock";  // in the directory of the daemon
  static constexpr Duration kAdvanceMax = std::chrono::hours(24 * 366);

  // Borrows the first three. `slow` has one thread; `is_busy`: a task starts or ends right now.
  ClockControl(sys::AdvancedClock& clock, sys::Loop& loop, sys::Workers& slow, std::string path,
               std::function<bool()> is_busy)
      : clock_(clock),
        loop_(loop),
        slow_(slow),
        path_(std::move(path)),
        is_busy_(std::move(is_busy)) {}

  // As far ahead as the file says; not at all when there is none.
  static Status restore(sys::AdvancedClock& clock, const std::string& path);

  // Answers now or later.
  void answer(const http::Request& request, const http::Server::Reply& reply);
  // Of a berthd whose clock nobody moves.
  static http::Response refusal();

 private:
  http::Response told() const;
  Status advance(Duration by);
  struct Way {
    WallTime until{};
    int waits = 0;  // for tasks
    http::Server::Reply reply{};
  };
  void go_on(Way way);
  void finish(const Way& way, http::Response response);

  sys::AdvancedClock& clock_;
  sys::Loop& loop_;
  sys::Workers& slow_;
  std::string path_;
  std::function<bool()> is_busy_;
  bool is_advancing_ = false;
};

}  // namespace berth::tools
