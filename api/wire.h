// How answers and errors look on the wire, protocol by protocol. Pure.
#pragma once

#include "api/authentication.h"
#include "api/dispatch.h"
#include "api/service.h"
#include "http/message.h"

#include <string>

namespace berth::api {

// `body` is the service's: a JSON object, the <...Result> element of a query answer, the elements
// of one of EC2's.
http::Response render_answer(const Address& address, const std::string& body,
                             const std::string& request_id);
http::Response render_refusal(const Address& address, const Refusal& refusal,
                              const std::string& request_id);

// The exception that tells of it; its name depends on the protocol.
Refusal refusal_of(Protocol protocol, const Unproved& unproved);
// Of an operation that nobody knows.
Refusal unknown_address(const Address& address);

// Text between two tags.
std::string xml_text(std::string_view text);
// "<name>text</name>".
std::string xml_element(std::string_view name, std::string_view text);

}  // namespace berth::api
