// Messages of Amazon's event streams (application/vnd.amazon.eventstream), as a server sends them.
// Pure.
//
//   total length   u32     of all of it
//   length         u32     of the headers
//   CRC-32         u32     of the two
//   headers                name length u8, name, 7 (a string), value length u16, value; each
//   payload
//   CRC-32         u32     of all before it
//
// Numbers are big-endian. The first message of a service of JSON is the "initial-response".
#pragma once

#include <string>
#include <string_view>

namespace berth::api {

// An event, whose payload is JSON: ":event-type", ":content-type", ":message-type: event".
std::string event_message(std::string_view event_type, std::string_view payload);
// What ends a stream that fails: ":exception-type".
std::string exception_message(std::string_view exception_type, std::string_view payload);

}  // namespace berth::api
