// FrontDoor: one address for all services of Amazon's that berth speaks.
//
//   HTTP request
//     > a body that came as gzip         http/content_encoding.h
//     > which service and operation    api/dispatch.h      UnknownOperationException, InvalidAction
//     > whose it is                    api/authentication.h    MissingAuthenticationToken, ...
//     > Service::answer                api/service.h       the service's own exceptions
//   HTTP response, in the protocol of that service
//
// How errors look (botocore reads the body, other SDKs the header):
//   JSON   400 {"__type": CODE, "message": TEXT}, X-Amzn-ErrorType: CODE
//   query  400 or 403 <ErrorResponse><Error><Type>Sender</Type><Code>...
//   EC2    400 or 401 <Response><Errors><Error><Code>...
//   CBOR   400 {"__type": NAMESPACE#CODE, "message": TEXT}, and the query protocol's code in a
//   header
//
// Every answer is dated: SDKs learn from it how wrong their own clock is when a signature is
// refused for its time, and sign again.
#pragma once

#include "api/authentication.h"
#include "api/dispatch.h"
#include "api/root_key.h"
#include "api/service.h"
#include "base/env.h"
#include "http/message.h"

#include <functional>
#include <map>
#include <string>
#include <utility>

namespace berth::api {

// By what a request has come in.
enum class Entrance {
  kSigned,   // must be signed by a key of ours
  kTrusted,  // root's own socket, or a host that trusts everybody
};

// What became of a request that reached a service.
struct Exchanged {
  std::string service;    // "ecs"
  std::string operation;  // "RunTask"; "" for one that the service does not have
  std::string outcome;    // "OK", or the exception's name
  Duration took{};
};

class FrontDoor {
 public:
  FrontDoor(RootKey key, Host host, Env env);

  // `name` is that of a ServiceModel; `service` is borrowed.
  void open(const std::string& name, Service& service);

  // Whose time signatures are dated by, when it is not ours; borrowed.
  void date_signatures_by(Clock& clock) { signers_clock_ = &clock; }

  // A request that has been let in.
  struct Admitted {
    Service* service = nullptr;
    Call call;
    Address address;
    std::string request_id;
    Instant begun{};
  };
  // Or the answer, when it has not.
  tl::expected<Admitted, http::Response> admit(const http::Request& request,
                                               Entrance entrance) const;
  // Asks the service, on whatever thread that may be.
  static Answer ask(const Admitted& admitted);
  http::Response finish(const Admitted& admitted, const Answer& answered);

  // All three at once.
  http::Response answer(const http::Request& request, Entrance entrance);

  // Who hears of each request that reached a service.
  using Observer = std::function<void(const Exchanged&)>;
  void observe(Observer observer) { observer_ = std::move(observer); }

 private:
  struct Exchange;

  tl::expected<Admitted, http::Response> let_in(const http::Request& request,
                                                Entrance entrance) const;
  static http::Response respond(const Admitted& admitted, const Answer& answered);
  http::Response dated(http::Response response) const;
  WallTime signers_time() const;
  tl::expected<Caller, Unproved> caller_of(const Exchange& exchange, Entrance entrance) const;

  RootKey key_;
  Host host_;
  Env env_;
  Clock* signers_clock_ = nullptr;
  Observer observer_;
  std::map<std::string, Service*, std::less<>> services_;
};

}  // namespace berth::api
