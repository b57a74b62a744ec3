// WWW-Authenticate, RFC 9110 section 11.6.1: what a registry wants to see. Pure.
#pragma once

#include "aws/base64.h"

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
using aws::decode_base64;
using aws::encode_base64;

}  // namespace berth::image
