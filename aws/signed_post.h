// A POST to a service of AWS, signed: what both its protocols, JSON and query, are made of. Pure.
#pragma once

#include "aws/credentials.h"
#include "aws/endpoint.h"
#include "aws/http.h"
#include "base/env.h"

#include <string>
#include <utility>
#include <vector>

namespace berth::aws {

struct Post {
  Url url;
  std::string region;
  std::string service;                                       // of the signature's scope
  std::vector<std::pair<std::string, std::string>> headers;  // Content-Type, X-Amz-Target
  Secret body;
};

HttpRequest signed_post(const Post& post, const Credentials& credentials, WallTime now);

}  // namespace berth::aws
