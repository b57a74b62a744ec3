// ExecSessions: where ExecuteCommand leaves what is to be executed, until the client comes for it
// over a WebSocket connection.
#pragma once

#include "base/result.h"

#include <optional>
#include <string>
#include <vector>

namespace berth::api {

// What gets what a session shows: a log group, in a stream named after the session, and a bucket of
// S3, in an object PREFIX/SESSION.log. "": none.
struct ExecLog {
  std::string region{};  // of the group
  std::string group{};
  std::string bucket{};
  std::string key_prefix{};
  bool must_be_encrypted = false;  // by the bucket
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
  // kNotFound in CloudWatch's words without the log group, and without a way to S3; kExhausted when
  // too many wait for their clients.
  virtual Result<ExecSession> open(const ExecRequest& request) = 0;
};

}  // namespace berth::api
