#include "aws/signed_post.h"

#include "aws/hash.h"
#include "aws/sigv4.h"

namespace berth::aws {
namespace {

constexpr Duration kPostTimeout = std::chrono::seconds(30);

}  // namespace

HttpRequest signed_post(const Post& post, const Credentials& credentials, WallTime now) {
  Request request{"POST", post.url.path, "", {{"Host", post.url.host}}};
  request.headers.insert(request.headers.end(), post.headers.begin(), post.headers.end());
  Headers added = sign(request, credentials,
                       {.time = now,
                        .region = post.region,
                        .service = post.service,
                        .payload_hash = sha256_hex(post.body.reveal())});
  HttpRequest sent{.method = "POST",
                   .url = post.url.to_string(),
                   .headers = {},
                   .body = post.body,
                   .timeout = kPostTimeout,
                   .route = Route::kUsual};
  for (const auto* headers : {&request.headers, &added}) {
    for (const auto& [name, value] : *headers) sent.headers.emplace_back(name, Secret(value));
  }
  return sent;
}

}  // namespace berth::aws
