// EventFeed: what happens to tasks, services and rules, as JSON lines in the order in which it was
// stored, for whoever asks berthd's socket for root: `berth events`.
//
//   GET /berth/events                  the latest ones, and where they end: a cursor
//   GET /berth/events?after=CURSOR     those after it; while there are none, the answer waits
//
//   {"cursor": "5f3a...-12", "missed": false, "events": [{"at": ..., "task": ..., ...}, ...]}
//
// They are kept in memory, the latest kKept of this process: for everything about a task there is
// its story (`berth why`). A cursor of another process, or of one that is no more there, gives all
// that there are, and "missed".
#pragma once

#include "api/rule_engine.h"
#include "base/env.h"
#include "http/server.h"
#include "scheduler/change.h"
#include "scheduler/service.h"
#include "sys/loop.h"

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace berth::tools {

class EventFeed {
 public:
  static constexpr size_t kKept = 10000;
  static constexpr size_t kPageMax = 500;
  static constexpr Duration kWait = std::chrono::seconds(20);  // then an empty answer
  static constexpr const char* kPath = "/berth/events";

  // Borrows `loop`.
  EventFeed(sys::Loop& loop, Rng& rng);

  void add(const scheduler::Change& change);
  void add(const scheduler::ServiceKey& service, const scheduler::ServiceEvent& event);
  void add(const api::RuleRun& run);

  // Answers now or later.
  void answer(const http::Request& request, http::Server::Reply reply);

 private:
  struct Waiting {
    uint64_t after = 0;
    http::Server::Reply reply;
  };
  void push(std::string line);
  std::string page_after(uint64_t number, bool missed) const;
  void answer_waiting();

  sys::Loop& loop_;
  std::string process_;  // begins the cursors
  std::deque<std::string> lines_;
  uint64_t next_ = 0;              // the number of the next line
  std::set<std::string> decided_;  // tasks whose end was decided
  std::map<uint64_t, Waiting> waiting_;
  uint64_t next_waiting_ = 0;
  bool is_answering_ = false;  // soon
};

}  // namespace berth::tools
