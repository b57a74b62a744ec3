#include "api/wire.h"

#include "api/cbor.h"
#include "base/text.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace berth::api {
namespace {

constexpr const char* kJsonType = "application/x-amz-json-1.1";
constexpr const char* kCborType = "application/cbor";
constexpr const char* kXmlType = "text/xml";
constexpr size_t kNameShownMax = 200;

http::Response json_response(int status, std::string body, const std::string& request_id) {
  http::Response response;
  response.status = status;
  response.content_type = kJsonType;
  response.body = std::move(body);
  response.headers["x-amzn-RequestId"] = request_id;
  return response;
}

// Of a service of JSON: 1.0 or 1.1.
http::Response typed(const Address& address, http::Response response) {
  if (address.service != nullptr) response.content_type = address.service->json;
  return response;
}

http::Response xml_response(int status, std::string body, const std::string& request_id) {
  http::Response response = json_response(status, std::move(body), request_id);
  response.content_type = kXmlType;
  return response;
}

void add_query_error(http::Response& response, const Refusal& refusal) {
  if (refusal.query_code.empty()) return;
  const char* whose = refusal.status < 500 ? "Sender" : "Receiver";
  response.headers["x-amzn-query-error"] = refusal.query_code + ";" + whose;
}

http::Response json_refusal(const Address& address, const Refusal& refusal,
                            const std::string& request_id) {
  std::string_view member = address.service == nullptr ? "message" : address.service->message;
  nlohmann::ordered_json body = {{"__type", refusal.code}};
  if (!refusal.message.empty()) body[member] = refusal.message;
  if (!refusal.resource_ids.empty()) body["resourceIds"] = refusal.resource_ids;
  // Messages quote what clients sent, which need not be UTF-8.
  auto response = json_response(
      refusal.status, body.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace),
      request_id);
  response.headers["X-Amzn-ErrorType"] = refusal.code;
  add_query_error(response, refusal);
  return response;
}

http::Response cbor_response(int status, std::string body, const std::string& request_id) {
  http::Response response = json_response(status, std::move(body), request_id);
  response.content_type = kCborType;
  response.headers["smithy-protocol"] = "rpc-v2-cbor";
  return response;
}

// An operation that answers nothing has no body at all.
http::Response cbor_answer(const Address& address, const std::string& body,
                           const std::string& request_id) {
  if (body != "{}") {
    auto json = nlohmann::ordered_json::parse(body);
    return cbor_response(200, cbor_of_json(json, address.service->times), request_id);
  }
  http::Response response = cbor_response(200, "", request_id);
  response.content_type = "";
  return response;
}

http::Response cbor_refusal(const Address& address, const Refusal& refusal,
                            const std::string& request_id) {
  std::string type = refusal.code;
  if (address.service != nullptr) type = fmt::format("{}#{}", address.service->name_space, type);
  // Messages quote what clients sent, which need not be UTF-8.
  nlohmann::ordered_json body = {{"__type", type}};
  if (!refusal.message.empty()) {
    body["message"] = printable(refusal.message, refusal.message.size() + 1);
  }
  auto response = cbor_response(refusal.status, cbor_of_json(body, ""), request_id);
  add_query_error(response, refusal);
  return response;
}

std::string attribute_of(const Address& address) {
  if (address.service == nullptr) return "";
  return fmt::format(" xmlns=\"{}\"", address.service->name_space);
}

http::Response xml_refusal(const Address& address, const Refusal& refusal,
                           const std::string& request_id) {
  const char* whose = refusal.status < 500 ? "Sender" : "Receiver";
  std::string error = xml_element("Type", whose) + xml_element("Code", refusal.code);
  if (!refusal.message.empty()) error += xml_element("Message", refusal.message);
  std::string body =
      fmt::format("<ErrorResponse{}><Error>{}</Error>{}</ErrorResponse>\n", attribute_of(address),
                  error, xml_element("RequestId", request_id));
  return xml_response(refusal.status, std::move(body), request_id);
}

http::Response ec2_refusal(const Refusal& refusal, const std::string& request_id) {
  std::string error = xml_element("Code", refusal.code) + xml_element("Message", refusal.message);
  return xml_response(refusal.status,
                      fmt::format("<Response><Errors><Error>{}</Error></Errors>{}</Response>\n",
                                  error, xml_element("RequestID", request_id)),
                      request_id);
}

// EC2 says one thing of keys and signatures, another of what is not signed.
Refusal ec2_doubt(const Unproved& unproved) {
  constexpr int kUnauthorized = 401;
  switch (unproved.doubt) {
    case Doubt::kMissing:
      return {"MissingAuthenticationToken", "Request is missing Authentication Token", 403};
    case Doubt::kIncomplete:
      return {"IncompleteSignature", unproved.text};
    case Doubt::kExpiredKey:
      return {"RequestExpired", unproved.text};
    case Doubt::kUnknownKey:
    case Doubt::kSignature:
      return {"AuthFailure",
              "AWS was not able to validate the provided access credentials: " + unproved.text,
              kUnauthorized};
  }
  return {};
}

Refusal json_doubt(const Unproved& unproved) {
  switch (unproved.doubt) {
    case Doubt::kMissing:
      return {.code = "MissingAuthenticationTokenException", .message = unproved.text};
    case Doubt::kIncomplete:
      return {.code = "IncompleteSignatureException", .message = unproved.text};
    case Doubt::kUnknownKey:
      return {.code = "UnrecognizedClientException", .message = unproved.text};
    case Doubt::kExpiredKey:
      return {.code = "ExpiredTokenException", .message = unproved.text};
    case Doubt::kSignature:
      return {.code = "InvalidSignatureException", .message = unproved.text};
  }
  return {};
}

Refusal query_doubt(const Unproved& unproved) {
  constexpr int kForbidden = 403;
  switch (unproved.doubt) {
    case Doubt::kMissing:
      return {"MissingAuthenticationToken", "Request is missing Authentication Token", kForbidden};
    case Doubt::kIncomplete:
      return {"IncompleteSignature", unproved.text};
    case Doubt::kUnknownKey:
      return {"InvalidClientTokenId", unproved.text, kForbidden};
    case Doubt::kExpiredKey:
      return {"ExpiredToken", unproved.text, kForbidden};
    case Doubt::kSignature:
      return {"SignatureDoesNotMatch", unproved.text, kForbidden};
  }
  return {};
}

}  // namespace

std::string xml_text(std::string_view text) {
  std::string out;
  for (char c : printable(text, text.size() + 1)) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string xml_element(std::string_view name, std::string_view text) {
  return fmt::format("<{0}>{1}</{0}>", name, xml_text(text));
}

http::Response render_answer(const Address& address, const std::string& body,
                             const std::string& request_id) {
  if (address.protocol == Protocol::kJson)
    return typed(address, json_response(200, body, request_id));
  if (address.protocol == Protocol::kCbor) return cbor_answer(address, body, request_id);
  if (address.protocol == Protocol::kEc2) {
    return xml_response(
        200,
        fmt::format("<{0}Response{1}>{2}{3}</{0}Response>\n", address.operation,
                    attribute_of(address), xml_element("requestId", request_id), body),
        request_id);
  }
  std::string metadata = xml_element("RequestId", request_id);
  return xml_response(200,
                      fmt::format("<{0}Response{1}>{2}<ResponseMetadata>{3}</ResponseMetadata></"
                                  "{0}Response>\n",
                                  address.operation, attribute_of(address), body, metadata),
                      request_id);
}

http::Response render_refusal(const Address& address, const Refusal& refusal,
                              const std::string& request_id) {
  switch (address.protocol) {
    case Protocol::kJson:
      return typed(address, json_refusal(address, refusal, request_id));
    case Protocol::kQuery:
      return xml_refusal(address, refusal, request_id);
    case Protocol::kEc2:
      return ec2_refusal(refusal, request_id);
    case Protocol::kCbor:
      return cbor_refusal(address, refusal, request_id);
  }
  return {};
}

Refusal refusal_of(Protocol protocol, const Unproved& unproved) {
  switch (protocol) {
    case Protocol::kJson:
    case Protocol::kCbor:
      return json_doubt(unproved);
    case Protocol::kQuery:
      return query_doubt(unproved);
    case Protocol::kEc2:
      return ec2_doubt(unproved);
  }
  return {};
}

Refusal unknown_address(const Address& address) {
  std::string operation = printable(address.operation, kNameShownMax);
  if (address.protocol == Protocol::kEc2) {
    return {"InvalidAction",
            fmt::format("The action {} is not valid for this web service.", operation)};
  }
  if (address.protocol == Protocol::kQuery) {
    return {"InvalidAction", operation.empty() ? "The request names no Action"
                                               : "Could not find operation " + operation};
  }
  Refusal refusal = unknown_operation(operation);
  // Other protocols of Amazon's go by the path, and there is nothing of ours at any.
  if (address.service == nullptr && operation.empty()) refusal.status = 404;
  return refusal;
}

}  // namespace berth::api
