// Credentials of the role of an EC2 instance, from its metadata service, version 2 alone: a token
// is PUT first, so that nobody who can merely make us GET something gets at the keys.
//
//   PUT /latest/api/token                                   -> a token
//   GET /latest/meta-data/iam/security-credentials/         -> the role's name
//   GET /latest/meta-data/iam/security-credentials/ROLE     -> its keys
//
// AWS_EC2_METADATA_DISABLED, AWS_EC2_METADATA_SERVICE_ENDPOINT, ..._ENDPOINT_MODE (IPv4, IPv6),
// AWS_METADATA_SERVICE_TIMEOUT (seconds, 1).
#pragma once

#include "aws/credentials.h"
#include "aws/environment.h"
#include "aws/http.h"
#include "aws/shared_config.h"
#include "base/result.h"

#include <string>

namespace berth::aws {

// Where it would be asked; "" when it is switched off.
Result<std::string> metadata_endpoint(const Environment& environment, const Profile* profile);

// Errors: kNotFound when it is switched off or there is no role, kUnavailable when nobody answers,
// which is what happens on hosts that are no instances.
Result<Credentials> instance_credentials(const Environment& environment, const Profile* profile,
                                         Http& http);

}  // namespace berth::aws
