// LiveTails: the sessions of StartLiveTail after their answer, which is a stream of events.
//
//   loop                                              thread of the service
//     answer -> sessionStart
//     a second later, again and again   ------------>   LogsService::look_at_tail
//     sessionUpdate                     <------------   what is new
//     the client has gone, three hours are over  --->   LogsService::end_tail
//
// A client that takes nothing is not waited for: what has not been taken when kWaitingMax is
// reached ends the session.
#pragma once

#include "api/logs_service.h"
#include "http/chunked_stream.h"
#include "http/server.h"
#include "sys/loop.h"
#include "sys/workers.h"

#include <map>
#include <memory>
#include <string>

namespace berth::tools {

class LiveTails {
 public:
  static constexpr Duration kInterval = std::chrono::seconds(1);
  static constexpr Duration kLasts = std::chrono::hours(3);
  static constexpr Duration kFarewell = std::chrono::seconds(10);  // to take the last of it
  static constexpr size_t kWaitingMax = 8 * 1024 * 1024;

  // Borrows all; `workers` is the one thread that `logs` is asked on.
  LiveTails(api::LogsService& logs, sys::Loop& loop, sys::Workers& workers)
      : logs_(logs), loop_(loop), workers_(workers) {}
  LiveTails(const LiveTails&) = delete;
  LiveTails& operator=(const LiveTails&) = delete;
  ~LiveTails();

  static bool is_for(const http::Request& request);
  // Of the answer to StartLiveTail: the head of a stream, whose connection becomes a session.
  http::Server::Switch begin(const http::Response& answer);

 private:
  struct Taking;
  struct Session {
    std::unique_ptr<http::ChunkedStream> stream{};
    sys::Loop::TimerId next_look = 0;
    sys::Loop::TimerId end = 0;
    bool is_over = false;
  };
  void take(const std::string& id, const std::string& start, sys::Fd connection);
  void look_later(const std::string& id);
  void look(const std::string& id);
  void tell(const std::string& id, const Result<std::string>& update);
  // `exception` is the last that it is told.
  void finish(const std::string& id, const char* exception, const std::string& message);
  void forget(const std::string& id);

  api::LogsService& logs_;
  sys::Loop& loop_;
  sys::Workers& workers_;
  std::map<std::string, Session> sessions_;
  // What is posted and what a connection calls may find us gone.
  std::shared_ptr<LiveTails*> self_ = std::make_shared<LiveTails*>(this);
};

}  // namespace berth::tools
