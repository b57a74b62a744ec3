// Credentials from the endpoint of a container's host: what ECS and EKS give their tasks and pods.
//
//   AWS_CONTAINER_CREDENTIALS_RELATIVE_URI   on http://169.254.170.2
//   AWS_CONTAINER_CREDENTIALS_FULL_URI       https, or http on loopback and on the addresses that
//                                            ECS and EKS have for it
//   AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE   read each time, goes before
//   AWS_CONTAINER_AUTHORIZATION_TOKEN        sent as Authorization
#pragma once

#include "aws/credentials.h"
#include "aws/environment.h"
#include "aws/http.h"
#include "base/result.h"

#include <optional>
#include <string>

namespace berth::aws {

// Whether keys may be asked for there: an http URL could be of anybody on the network.
Status check_container_endpoint(const std::string& url);

// Nothing when neither variable is set.
Result<std::optional<Credentials>> container_credentials(const Environment& environment,
                                                         Http& http);

}  // namespace berth::aws
