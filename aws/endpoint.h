// Where a service of AWS answers. Pure.
#pragma once

#include "aws/environment.h"
#include "aws/shared_config.h"
#include "base/result.h"

#include <optional>
#include <string>
#include <string_view>

namespace berth::aws {

// An http or https URL in its parts.
struct Url {
  std::string scheme;  // "http", "https"
  std::string host;    // "[::1]:80" with its port, unless that is the scheme's own
  std::string path;    // "/..."; no query
  std::string to_string() const { return scheme + "://" + host + path; }
  // Without port and brackets.
  std::string name() const;
};
// Errors: kInvalid that quotes the text.
Result<Url> parse_url(std::string_view text);

// "amazonaws.com", or the name of the region's partition.
std::string dns_suffix(std::string_view region);
// The second word of an ARN: "aws", "aws-cn", "aws-us-gov" ...
std::string partition_of(std::string_view region);
// What stands in host names: letters, digits, '-'.
bool is_region(std::string_view text);

// What the user has configured for a service ("ecr", "sts"), in the order of AWS's tools:
// AWS_ENDPOINT_URL_<SERVICE>, AWS_ENDPOINT_URL, the profile's services section, its endpoint_url.
// Nothing: where the service really is. `profile` may be absent.
Result<std::optional<Url>> configured_endpoint(const std::string& service,
                                               const Environment& environment,
                                               const Profile* profile);

}  // namespace berth::aws
