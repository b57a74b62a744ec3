// ExecSessions: where ExecuteCommand leaves what is to be executed, until the client comes for it
// over a WebSocket connection.
#pragma once

#include "base/result.h"

#include <string>
#include <vector>

namespace berth::api {

struct ExecRequest {
  std::string task_id;
  std::string container;           // its name
  std::vector<std::string> words;  // the program and its arguments
};

struct ExecSession {
  std::string id;     // "ecs-execute-command-0123456789abcdef0"
  std::string token;  // whoever has it may come for the session, once
  std::string path;   // of the address that answers: "/v1/data-channel/..."
};

class ExecSessions {
 public:
  virtual ~ExecSessions() = default;
  // kExhausted when too many wait for their clients.
  virtual Result<ExecSession> open(const ExecRequest& request) = 0;
};

}  // namespace berth::api
