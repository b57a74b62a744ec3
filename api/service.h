// Service: one of Amazon's services behind the front door, as the door sees it.
//
//   front door:  HTTP > who signed it > which service and operation > Service::answer > HTTP
//   service:     the body of a request in, the body of the answer or a Refusal out
//
// All of it runs on the loop's thread, but for services that are slow. How a body is written is the
// service's own protocol, and the door wraps it in HTTP with the headers of that protocol: JSON as
// it is; of a query service the form comes in and <OPERATIONResult>...</OPERATIONResult> goes out,
// about which the door puts the <OPERATIONResponse>.
#pragma once

#include "base/env.h"

#include <tl/expected.hpp>

#include <string>
#include <vector>

namespace berth::api {

constexpr size_t kBodyDepthMax = 32;  // of lists and objects in a request, whatever its protocol

// Who asks, as the signature proves it.
struct Caller {
  std::string account;  // 12 digits
  std::string region;   // of the credential's scope: "eu-central-1"
  std::string arn;      // "arn:aws:iam::123456789012:root"
  std::string key_id;
  bool operator==(const Caller&) const = default;
};

struct Call {
  std::string operation;  // "RunTask"
  std::string body;       // as it was sent; of CBOR, the JSON that it would be
  Caller caller;
  WallTime at{};
  std::string host{};    // by which the client has reached us: "127.0.0.1:4566"
  bool is_form = false;  // the body is one, of the query protocol: all values are texts
};

// What a client is told instead of an answer: an exception of the service's model.
struct Refusal {
  std::string code;     // "ClusterNotFoundException"
  std::string message;  // "Cluster not found."
  int status = 400;     // 5xx only when it is our own fault: clients try those again
  std::vector<std::string> resource_ids{};  // of ConflictException
  // What the query protocol called it, for services of JSON that once had that one.
  std::string query_code{};
  bool operator==(const Refusal&) const = default;
};

// The answer's body, in the service's protocol.
using Answer = tl::expected<std::string, Refusal>;

// "UnknownOperationException": no operation of that name.
Refusal unknown_operation(const std::string& operation);

class Service {
 public:
  virtual ~Service() = default;
  // Never throws. What it changed is durable when it returns.
  virtual Answer answer(const Call& call) = 0;
  // Whether an answer may take longer than a loop may wait. Such a service is asked on one thread
  // of its own, and shares nothing that is not locked.
  virtual bool is_slow(const Call& /*call*/) const { return false; }
};

}  // namespace berth::api
