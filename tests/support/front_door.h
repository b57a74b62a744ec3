// A front door with a key of its own, and clients of it: what tests of services and of the door
// share.
#pragma once

#include "api/front_door.h"
#include "aws/hash.h"
#include "aws/sigv4.h"
#include "base/env.h"

#include <map>
#include <string>

namespace berth::api {

inline RootKey test_key() {
  return {"AKIATESTTESTTESTTEST", Secret("ofnobodyelse")};
}
inline Host test_host() {
  return {"123456789012", "eu-central-1"};
}
inline aws::Credentials credentials_of(const RootKey& key) {
  return {key.id, key.secret, {}, {}};
}

struct Signing {
  aws::Credentials credentials = credentials_of(test_key());
  std::string service = "ecs";
  std::string region = "eu-west-1";
  WallTime time{};
  std::string told_hash{};  // where X-Amz-Content-Sha256 says what is signed in place of the body
};

inline http::Request with_host(http::Request request) {
  request.headers["host"] = "127.0.0.1:4566";
  return request;
}

inline http::Request json_request(const std::string& target, const std::string& body) {
  http::Request request{.method = "POST", .path = "/"};
  request.headers = {{"content-type", "application/x-amz-json-1.1"}, {"x-amz-target", target}};
  request.body = body;
  return with_host(request);
}

inline http::Request form_request(const std::string& form) {
  http::Request request{.method = "POST", .path = "/"};
  request.headers = {{"content-type", "application/x-www-form-urlencoded; charset=utf-8"}};
  request.body = form;
  return with_host(request);
}

inline http::Request sign(http::Request request, const Signing& signing) {
  aws::Request plain{request.method, request.path, request.query,
                     aws::Headers(request.headers.begin(), request.headers.end())};
  auto added = aws::sign(plain, signing.credentials,
                         {.time = signing.time,
                          .region = signing.region,
                          .service = signing.service,
                          .payload_hash = signing.told_hash.empty() ? aws::sha256_hex(request.body)
                                                                    : signing.told_hash,
                          .content_hash = signing.told_hash.empty() ? aws::ContentHash::kImplied
                                                                    : aws::ContentHash::kHeader});
  for (const auto& [name, value] : added) {
    std::string lower;
    for (char c : name) lower += static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
    request.headers[lower] = value;
  }
  return request;
}

}  // namespace berth::api
