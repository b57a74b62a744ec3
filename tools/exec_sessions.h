// ExecSessions: the sessions of ExecuteCommand between the answer and the client's coming.
//
//   aws ecs execute-command          berthd                         berth system session
//     ExecuteCommand            ->   kept for a minute
//   session-manager-plugin
//     GET /v1/data-channel/ID   ->   101 Switching Protocols
//                                    starts, with the connection -> the token? the handshake,
//     keys, sizes, output       <-------------------------------->  `berth exec` on a terminal
//
// The session is a process of its own: it outlives berthd, and what it does cannot hold berthd up.
#pragma once

#include "api/exec_sessions.h"
#include "base/env.h"
#include "http/server.h"
#include "tools/session_archive.h"
#include "tools/session_transcript.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace berth::tools {

// Where `berth system session` finds the connection, and what it is to do.
constexpr int kSessionConnectionFd = 3;
constexpr int kSessionRecordFd = 4;

// A value: parse_session_record(render_session_record(r)) == r.
struct SessionRecord {
  std::string id;
  std::string token;
  std::vector<std::string> command;       // what is run on a terminal of the session's
  std::optional<SessionLog> log{};        // that gets what is shown
  std::optional<ArchivePlace> archive{};  // likewise
};
std::string render_session_record(const SessionRecord& record);
Result<SessionRecord> parse_session_record(std::string_view text);

class ExecSessions final : public api::ExecSessions {
 public:
  // Of the same instance: `berth system session`, and `berth exec` without options.
  struct Programs {
    std::vector<std::string> session;
    std::vector<std::string> exec;
  };
  // `config`: of the instance, whose root has its log groups; borrowed.
  ExecSessions(Programs programs, const agent::Config& config, Env env);

  Result<api::ExecSession> open(const api::ExecRequest& request) override;
  // For http::Server::on_upgrade.
  tl::expected<http::Server::Switch, http::Response> accept(const http::Request& request);

 private:
  struct Waiting {
    SessionRecord record;
    Instant until{};
  };
  // Where the session's own record says that it is kept.
  Status keep(const api::ExecLog& log, SessionRecord& record) const;
  void forget_late();
  void start(const SessionRecord& record, const sys::Fd& connection);

  Programs programs_;
  const agent::Config& config_;
  Env env_;
  std::map<std::string, Waiting> waiting_;
};

}  // namespace berth::tools
