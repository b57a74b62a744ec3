// sigv4_probe: signs or verifies, for tests that ask another implementation the same.
//
// One JSON object per line on standard input: {action: "sign" | "presign" | "verify", method, path,
// query, headers: [[name, value]], body, s3, region, service, time, keyId, secretKey, token,
// goodFor}. One line of JSON each on standard output: {headers}, {query} or {error} ("" when it
// verifies).
#include "aws/hash.h"
#include "aws/sigv4.h"
#include "aws/time.h"

#include <nlohmann/json.hpp>

#include <cstdio>
#include <iostream>
#include <string>

namespace berth::aws {
namespace {

using nlohmann::json;

json answer(const json& in) {
  bool is_s3 = in.at("s3").get<bool>();
  Request request{in.at("method"), in.at("path"), in.at("query"), in.at("headers")};
  Credentials credentials{in.at("keyId"), Secret(in.at("secretKey")), Secret(in.at("token")), {}};
  SignOptions options{.time = parse_amz_date(in.at("time").get<std::string>()).value(),
                      .region = in.at("region"),
                      .service = in.at("service"),
                      .payload_hash = sha256_hex(in.at("body").get<std::string>()),
                      .style = is_s3 ? PathStyle::kS3 : PathStyle::kService,
                      .content_hash = is_s3 ? ContentHash::kHeader : ContentHash::kImplied};
  if (in.at("action") == "sign") return {{"headers", sign(request, credentials, options)}};
  if (in.at("action") == "presign") {
    if (is_s3) options.payload_hash = kUnsignedPayload;
    std::chrono::seconds good_for(in.at("goodFor").get<int>());
    return {{"query", presign(request, credentials, options, good_for)}};
  }
  auto presented = parse_presented(request);
  if (!presented) return {{"error", presented.error().text}};
  auto verified =
      verify(request, *presented, credentials.secret_key,
             {.now = options.time, .payload_hash = options.payload_hash, .style = options.style});
  return {{"error", verified ? "" : verified.error().text}};
}

}  // namespace
}  // namespace berth::aws

int main() {
  std::string line;
  while (std::getline(std::cin, line)) {
    std::puts(berth::aws::answer(nlohmann::json::parse(line)).dump().c_str());
  }
  return 0;
}
