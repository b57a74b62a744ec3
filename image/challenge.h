// WWW-Authenticate, RFC 9110 section 11.6.1: what a registry wants to see. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace berth::image {

struct Challenge {
  std::string scheme;                             // lower case: "bearer", "basic"
  std::map<std::string, std::string> parameters;  // names in lower case
};

// All challenges of one header value; what is malformed ends the list.
std::vector<Challenge> parse_challenges(std::string_view header);

// Percent-encoding of all but unreserved characters, RFC 3986.
std::string percent_encode(std::string_view text);
std::string encode_base64(std::string_view bytes);
// Empty for malformed text.
std::string decode_base64(std::string_view text);

}  // namespace berth::image
