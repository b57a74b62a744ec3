// How this host speaks to services of AWS: whom it trusts (AWS_CA_BUNDLE), and through which proxy
// it goes, which is the same as for registries.
#pragma once

#include "agent/config.h"
#include "aws/curl_http.h"

#include <string>
#include <vector>

namespace berth::agent {

// `environment`: "NAME=VALUE". Pure.
aws::CurlOptions aws_http_options(const Config& config,
                                  const std::vector<std::string>& environment);

}  // namespace berth::agent
