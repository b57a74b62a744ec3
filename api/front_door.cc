#include "api/front_door.h"

#include "api/cbor.h"
#include "api/wire.h"
#include "base/check.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/text.h"
#include "http/content_encoding.h"

#include <algorithm>
#include <exception>
#include <utility>

namespace berth::api {
namespace {

constexpr size_t kOperationShownMax = 100;
constexpr size_t kUnpackedMax = 4 * 1024 * 1024;  // as much as a plain body may have

aws::Request signed_request_of(const http::Request& request) {
  return {request.method, request.path, request.query,
          aws::Headers(request.headers.begin(), request.headers.end())};
}

http::Request with_body(const http::Request& request, std::string body) {
  http::Request other{.method = request.method,
                      .path = request.path,
                      .query = request.query,
                      .headers = request.headers};
  other.body = std::move(body);
  return other;
}

Refusal packed_refusal(const http::Refusal& refusal) {
  constexpr int kTooLarge = 413;
  constexpr int kUnsupportedType = 415;
  const char* code = refusal.status == kTooLarge          ? "RequestEntityTooLargeException"
                     : refusal.status == kUnsupportedType ? "UnsupportedMediaTypeException"
                                                          : "SerializationException";
  return {.code = code, .message = refusal.text, .status = refusal.status};
}

// What the service is to read.
tl::expected<std::string, Refusal> service_body_of(const Address& address) {
  if (address.protocol != Protocol::kCbor) return address.body;
  auto body = json_of_cbor(address.body, kBodyDepthMax);
  if (body) return std::move(*body);
  return tl::unexpected(
      Refusal{.code = "SerializationException", .message = "request: " + body.error().text});
}

// Names that a client has made up are none of ours to keep.
Exchanged exchanged_of(const Address& address, const Answer& answered, Duration took) {
  Refusal unknown = unknown_address(address);
  bool is_unknown = !answered && answered.error().code == unknown.code;
  return {.service = std::string(address.service->name),
          .operation = is_unknown ? "" : address.operation,
          .outcome = answered ? "OK" : answered.error().code,
          .took = took};
}

const char* fault_name_of(Protocol protocol) {
  switch (protocol) {
    case Protocol::kJson:
    case Protocol::kCbor:
      return "ServerException";
    case Protocol::kQuery:
      return "InternalFailure";
    case Protocol::kEc2:
      return "InternalError";
  }
  return "";
}

// Services do not throw; that the door stays open must not depend on it.
Answer ask_service(Service& service, const Call& call, const Address& address) {
  Refusal broken{.code = fault_name_of(address.protocol),
                 .message = "The request processing has failed because of an internal error.",
                 .status = 500};
  try {
    Answer answered = service.answer(call);
    // What a service does not know is told as its protocol has it.
    bool is_unknown = !answered && answered.error().code == unknown_operation("").code;
    if (is_unknown) return tl::unexpected(unknown_address(address));
    LOG(kDebug, "request",
        {{"operation", call.operation},
         {"key", call.caller.key_id},
         {"answer", answered ? "200" : answered.error().code}});
    return answered;
  } catch (const std::exception& error) {
    LOG(kError, "an operation failed", {{"operation", call.operation}, {"why", error.what()}});
    return tl::unexpected(broken);
  }
}

}  // namespace

// What is known of a request on its way in.
struct FrontDoor::Exchange {
  aws::Request request;
  const std::string& body;  // as it was sent
  const std::string& host;
  Address address;
};

FrontDoor::FrontDoor(RootKey key, Host host, Env env)
    : key_(std::move(key)), host_(std::move(host)), env_(env) {}

void FrontDoor::open(const std::string& name, Service& service) {
  bool is_known = std::ranges::any_of(
      kServiceModels, [&](const ServiceModel& model) { return model.name == name; });
  CHECK(is_known);
  services_[name] = &service;
}

tl::expected<FrontDoor::Admitted, http::Response> FrontDoor::admit(const http::Request& request,
                                                                   Entrance entrance) const {
  auto admitted = let_in(request, entrance);
  if (!admitted) return tl::unexpected(dated(std::move(admitted).error()));
  return admitted;
}

tl::expected<FrontDoor::Admitted, http::Response> FrontDoor::let_in(const http::Request& request,
                                                                    Entrance entrance) const {
  std::string request_id = make_uuid(env_.rng);
  aws::Request shown = signed_request_of(request);
  std::string scope = scope_service_of(shown);
  auto body = http::decoded_body(request, kUnpackedMax);
  if (!body) {
    Address address = address_of(with_body(request, ""), scope);
    return tl::unexpected(render_refusal(address, packed_refusal(body.error()), request_id));
  }
  // What is signed is what was sent.
  bool is_packed = *body != request.body;
  Address address = address_of(is_packed ? with_body(request, std::move(*body)) : request, scope);
  Exchange exchange{std::move(shown), request.body, request.header("host"), std::move(address)};
  bool is_named = exchange.address.service != nullptr && !exchange.address.operation.empty();
  auto found = is_named ? services_.find(exchange.address.service->name) : services_.end();
  if (found == services_.end()) {
    return tl::unexpected(
        render_refusal(exchange.address, unknown_address(exchange.address), request_id));
  }
  auto caller = caller_of(exchange, entrance);
  if (!caller) {
    LOG(kWarn, "request refused",
        {{"operation", printable(exchange.address.operation, kOperationShownMax)},
         {"why", printable(caller.error().text, 500)}});
    return tl::unexpected(render_refusal(
        exchange.address, refusal_of(exchange.address.protocol, caller.error()), request_id));
  }
  auto read = service_body_of(exchange.address);
  if (!read) return tl::unexpected(render_refusal(exchange.address, read.error(), request_id));
  Call call{exchange.address.operation, std::move(*read), std::move(*caller),
            env_.clock.wall(),          exchange.host,    is_form(exchange.address.protocol)};
  return Admitted{found->second, std::move(call), std::move(exchange.address),
                  std::move(request_id), env_.clock.now()};
}

Answer FrontDoor::ask(const Admitted& admitted) {
  return ask_service(*admitted.service, admitted.call, admitted.address);
}

http::Response FrontDoor::finish(const Admitted& admitted, const Answer& answered) {
  if (observer_) {
    observer_(exchanged_of(admitted.address, answered, env_.clock.now() - admitted.begun));
  }
  return dated(respond(admitted, answered));
}

http::Response FrontDoor::respond(const Admitted& admitted, const Answer& answered) {
  if (!answered) return render_refusal(admitted.address, answered.error(), admitted.request_id);
  return render_answer(admitted.address, *answered, admitted.request_id);
}

http::Response FrontDoor::dated(http::Response response) const {
  response.headers["Date"] = http::format_http_date(signers_time());
  return response;
}

WallTime FrontDoor::signers_time() const {
  return (signers_clock_ == nullptr ? env_.clock : *signers_clock_).wall();
}

http::Response FrontDoor::answer(const http::Request& request, Entrance entrance) {
  auto admitted = admit(request, entrance);
  return admitted ? finish(*admitted, ask(*admitted)) : std::move(admitted).error();
}

tl::expected<Caller, Unproved> FrontDoor::caller_of(const Exchange& exchange,
                                                    Entrance entrance) const {
  if (entrance == Entrance::kTrusted) return trusted_caller(exchange.request, host_);
  Proof proof{.key = key_,
              .host = host_,
              .service = std::string(exchange.address.service->name),
              .now = signers_time()};
  return authenticate(exchange.request, exchange.body, proof);
}

}  // namespace berth::api
