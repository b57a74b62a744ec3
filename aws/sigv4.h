// Signature Version 4 of AWS, both sides: what a client adds to a request, and whether what a
// server was shown is right. Pure; the same canonicaliser serves both.
//
//   canonical request (aws/canonical.h)
//     -> string to sign:  AWS4-HMAC-SHA256, time, scope, hash of the canonical request
//     -> signing key:     HMAC chain over date, region, service, "aws4_request"
//     -> signature:       HMAC of the string to sign, hexadecimal
//
// It travels in the Authorization header, or in the query of a presigned URL.
#pragma once

#include "aws/canonical.h"
#include "aws/credentials.h"
#include "base/result.h"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace berth::aws {

// Stands for the hash of a payload that is not signed.
constexpr std::string_view kUnsignedPayload = "UNSIGNED-PAYLOAD";
// How long a presigned URL may be good, and how far clocks may differ: Amazon's own figures.
constexpr std::chrono::seconds kPresignedMax = std::chrono::hours(24 * 7);
constexpr std::chrono::seconds kSkewMax = std::chrono::minutes(5);

struct Scope {
  std::string date;  // YYYYMMDD
  std::string region;
  std::string service;
  // "20150830/us-east-1/service/aws4_request"
  std::string to_string() const;
  bool operator==(const Scope&) const = default;
};

std::string string_to_sign(const std::string& amz_date, const Scope& scope,
                           const std::string& canonical);
// Good for a day: it may be kept instead of the secret key.
Secret signing_key(const Secret& secret_key, const Scope& scope);
std::string signature(const Secret& signing_key, const std::string& string_to_sign);

enum class ContentHash {
  kImplied,  // most services hash what they get
  kHeader,   // S3 wants it told: X-Amz-Content-Sha256, signed
};
enum class TokenPlace {
  kSigned,    // as a signed header or parameter
  kAppended,  // after signing, as some few services want it
};

struct SignOptions {
  WallTime time;
  std::string region;
  std::string service;
  std::string payload_hash;  // sha256_hex() of the body, or kUnsignedPayload
  PathStyle style = PathStyle::kService;
  ContentHash content_hash = ContentHash::kImplied;
  TokenPlace token = TokenPlace::kSigned;
};

// The headers to add: X-Amz-Date, X-Amz-Security-Token, X-Amz-Content-Sha256 as options say, and
// Authorization. All headers of the request are signed but those that proxies change. The request
// must have Host.
Headers sign(const Request& request, const Credentials& credentials, const SignOptions& options);

// The whole query of the presigned URL, in place of the request's. `good_for` at most
// kPresignedMax.
std::string presign(const Request& request, const Credentials& credentials,
                    const SignOptions& options, std::chrono::seconds good_for);

// What a request shows of itself, before anybody knows whether it is true.
struct Presented {
  std::string key_id;
  Scope scope;
  std::string amz_date;
  WallTime time;
  std::vector<std::string> signed_headers;
  std::string signature;
  Secret session_token;
  std::optional<std::chrono::seconds> good_for;  // of a presigned URL
};

// From the Authorization header, else from the query. Errors: kNotFound when the request is not
// signed at all, kInvalid that names what is malformed or missing.
Result<Presented> parse_presented(const Request& request);

struct VerifyOptions {
  WallTime now;
  std::string payload_hash;  // sha256_hex() of the body that came
  PathStyle style = PathStyle::kService;
};

// Whether the holder of the secret key has signed this request, now. Errors: kDenied with the
// reason in Amazon's words: expired, signed in the future, or another signature.
Status verify(const Request& request, const Presented& presented, const Secret& secret_key,
              const VerifyOptions& options);

}  // namespace berth::aws
