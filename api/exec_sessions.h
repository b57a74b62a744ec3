// ExecSessions: where ExecuteCommand leaves what is to be executed, until the client comes for it
// over a WebSocket connection.
#pragma once

#include "base/result.h"

#include <optional>
#include <string>
#include <vector>

namespace berth::api {

// The log group that gets what a session shows, in a stream named after the session.
struct ExecLog {
  std::string region;
  std::string group;
};

struct ExecRequest {
  std::string task_id;
  std::string container;           // its name
  std::vector<std::string> words;  // the program and its arguments
  std::optional<ExecLog> log{};
};

struct ExecSession {
  std::string id;     // "ecs-execute-command-0123456789abcdef0"
  std::string token;  // whoever has it may come for the session, once
  std::string path;   // of the address that answers: "/v1/data-channel/..."
};

class ExecSessions {
 public:
  virtual ~ExecSessions() = default;
  // kNotFound in CloudWatch's words without the log group; kExhausted when too many wait for their
  // clients.
  virtual Result<ExecSession> open(const ExecRequest& request) = 0;
};

}  // namespace berth::api
