#include "aws/sigv4.h"

#include "aws/hash.h"
#include "aws/time.h"
#include "base/check.h"
#include "base/text.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

namespace berth::aws {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::string_view kTerminator = "aws4_request";
constexpr std::string_view kStreamingPrefix = "STREAMING-";  // bodies signed chunk by chunk

// Hops on the way may change them.
constexpr std::array<std::string_view, 6> kNeverSigned = {
    "authorization", "connection", "expect", "transfer-encoding", "user-agent", "x-amzn-trace-id"};

std::vector<std::string> names_to_sign(const Headers& headers) {
  std::set<std::string> names;
  for (const auto& [name, value] : headers) {
    std::string lower = to_lower(name);
    if (std::ranges::find(kNeverSigned, lower) == kNeverSigned.end()) names.insert(lower);
  }
  return {names.begin(), names.end()};
}

Scope scope_of(const SignOptions& options, const std::string& amz_date) {
  return {amz_date.substr(0, 8), options.region, options.service};
}

std::string sign_canonical(const Secret& secret_key, const std::string& amz_date,
                           const Scope& scope, const std::string& canonical) {
  return signature(signing_key(secret_key, scope), string_to_sign(amz_date, scope, canonical));
}

// "Credential=A, SignedHeaders=B, Signature=C"
std::map<std::string, std::string> parse_fields(std::string_view text) {
  std::map<std::string, std::string> fields;
  for (const std::string& piece : split(text, ',')) {
    size_t equals = piece.find('=');
    if (equals == std::string::npos) continue;
    fields.emplace(trim(std::string_view(piece).substr(0, equals)),
                   trim(std::string_view(piece).substr(equals + 1)));
  }
  return fields;
}

Status read_credential(const std::string& credential, Presented& presented) {
  std::vector<std::string> parts = split(credential, '/');
  bool is_good = parts.size() >= 5 && parts.back() == kTerminator;
  if (!is_good) {
    return fail(Errc::kInvalid, "Credential \"{}\": is not KEY/DATE/REGION/SERVICE/aws4_request",
                printable(credential, 200));
  }
  // A key id may have slashes, the rest has not.
  size_t first = parts.size() - 4;
  presented.key_id = join({parts.begin(), parts.begin() + static_cast<long>(first)}, "/");
  presented.scope = {parts[first], parts[first + 1], parts[first + 2]};
  return {};
}

Status read_date(const std::string& text, Presented& presented) {
  auto time = parse_amz_date(text);
  if (!time) {
    return fail(Errc::kInvalid, "X-Amz-Date \"{}\": is not YYYYMMDDTHHMMSSZ", printable(text, 100));
  }
  if (!text.starts_with(presented.scope.date) || presented.scope.date.size() != 8) {
    return fail(Errc::kInvalid, "Credential: date {} is not that of X-Amz-Date {}",
                printable(presented.scope.date, 100), text);
  }
  presented.amz_date = text;
  presented.time = *time;
  return {};
}

// Host must be signed, and every X-Amz header that is there: else an attacker could change them.
Status check_signed_headers(const Request& request, const Presented& presented) {
  const auto& names = presented.signed_headers;
  auto is_signed = [&](const std::string& name) {
    return std::ranges::find(names, name) != names.end();
  };
  if (!is_signed("host")) return fail(Errc::kInvalid, "SignedHeaders: must include host");
  for (const auto& [name, value] : request.headers) {
    std::string lower = to_lower(name);
    // Some services let clients append the token.
    bool must_be = lower.starts_with("x-amz-") && lower != "x-amz-security-token";
    if (must_be && !is_signed(lower)) {
      return fail(Errc::kInvalid, "SignedHeaders: must include {}", printable(lower, 100));
    }
  }
  return {};
}

Result<Presented> parse_header_form(const Request& request, const std::string& authorization) {
  Presented presented;
  auto fields = parse_fields(std::string_view(authorization).substr(kAlgorithm.size()));
  for (const char* name : {"Credential", "SignedHeaders", "Signature"}) {
    if (fields[name].empty()) return fail(Errc::kInvalid, "Authorization: {} is missing", name);
  }
  TRY(read_credential(fields["Credential"], presented));
  TRY(read_date(header_value(request.headers, "x-amz-date"), presented));
  presented.signed_headers = split(fields["SignedHeaders"], ';');
  presented.signature = fields["Signature"];
  presented.session_token = Secret(header_value(request.headers, "x-amz-security-token"));
  TRY(check_signed_headers(request, presented));
  return presented;
}

Result<Presented> parse_query_form(const Request& request, const Query& query) {
  std::map<std::string, std::string> fields;
  for (const auto& [name, value] : query) {
    if (!fields.emplace(name, value).second && name.starts_with("X-Amz-")) {
      return fail(Errc::kInvalid, "{}: occurs twice", printable(name, 100));
    }
  }
  if (fields["X-Amz-Algorithm"] != kAlgorithm) {
    return fail(Errc::kInvalid, "X-Amz-Algorithm \"{}\": must be {}",
                printable(fields["X-Amz-Algorithm"], 100), kAlgorithm);
  }
  Presented presented;
  TRY(read_credential(fields["X-Amz-Credential"], presented));
  TRY(read_date(fields["X-Amz-Date"], presented));
  presented.signed_headers = split(fields["X-Amz-SignedHeaders"], ';');
  presented.signature = fields["X-Amz-Signature"];
  presented.session_token = Secret(fields["X-Amz-Security-Token"]);
  auto good_for = parse_u64(fields["X-Amz-Expires"]);
  if (!good_for || *good_for < 1 || *good_for > static_cast<uint64_t>(kPresignedMax.count())) {
    return fail(Errc::kInvalid, "X-Amz-Expires \"{}\": must be between 1 and {}",
                printable(fields["X-Amz-Expires"], 100), kPresignedMax.count());
  }
  presented.good_for = std::chrono::seconds(*good_for);
  TRY(check_signed_headers(request, presented));
  return presented;
}

Status check_time(const Presented& presented, WallTime now) {
  if (presented.time > now + kSkewMax) {
    return fail(Errc::kDenied, "Signature not yet current: {} is still later than {} ({} min.)",
                presented.amz_date, format_amz_date(now + kSkewMax), kSkewMax.count() / 60);
  }
  WallTime last = presented.time + presented.good_for.value_or(kSkewMax);
  if (last < now) {
    return fail(Errc::kDenied, "Signature expired: {} is now earlier than {}", presented.amz_date,
                format_amz_date(now - (last - presented.time)));
  }
  return {};
}

// S3's clients say what they have hashed, which may be nothing.
Result<std::string> presented_hash(const Request& request, const Presented& presented,
                                   const VerifyOptions& options) {
  std::string told = header_value(request.headers, "x-amz-content-sha256");
  if (told.empty()) {
    bool is_s3_url = presented.good_for.has_value() && options.style == PathStyle::kS3;
    return is_s3_url ? std::string(kUnsignedPayload) : options.payload_hash;
  }
  if (told.starts_with(kStreamingPrefix)) {
    return fail(
        Errc::kUnsupported,
        "X-Amz-Content-Sha256: payloads signed in chunks ({}) are not taken, sign the whole",
        printable(told, 100));
  }
  if (told != kUnsignedPayload && told != options.payload_hash) {
    return fail(Errc::kDenied,
                "The provided 'x-amz-content-sha256' header does not match what was computed.");
  }
  return told;
}

}  // namespace

std::string Scope::to_string() const {
  return fmt::format("{}/{}/{}/{}", date, region, service, kTerminator);
}

std::string string_to_sign(const std::string& amz_date, const Scope& scope,
                           const std::string& canonical) {
  return fmt::format("{}\n{}\n{}\n{}", kAlgorithm, amz_date, scope.to_string(),
                     sha256_hex(canonical));
}

Secret signing_key(const Secret& secret_key, const Scope& scope) {
  std::string key = "AWS4" + secret_key.reveal();
  for (std::string_view part : {std::string_view(scope.date), std::string_view(scope.region),
                                std::string_view(scope.service), kTerminator}) {
    key = hmac_sha256(key, part);
  }
  return Secret(key);
}

std::string signature(const Secret& signing_key, const std::string& string_to_sign) {
  return to_hex(hmac_sha256(signing_key.reveal(), string_to_sign));
}

Headers sign(const Request& request, const Credentials& credentials, const SignOptions& options) {
  std::string amz_date = format_amz_date(options.time);
  Scope scope = scope_of(options, amz_date);
  std::pair<std::string, std::string> token = {"X-Amz-Security-Token",
                                               credentials.session_token.reveal()};
  bool has_token = !token.second.empty();
  Headers added = {{"X-Amz-Date", amz_date}};
  if (options.content_hash == ContentHash::kHeader) {
    added.emplace_back("X-Amz-Content-Sha256", options.payload_hash);
  }
  if (has_token && options.token == TokenPlace::kSigned) added.push_back(token);
  Request whole = request;
  whole.headers.insert(whole.headers.end(), added.begin(), added.end());
  std::vector<std::string> names = names_to_sign(whole.headers);
  CHECK(std::ranges::find(names, "host") != names.end());
  std::string canonical = canonical_request(whole, names, options.payload_hash, options.style);
  if (has_token && options.token == TokenPlace::kAppended) added.push_back(token);
  added.emplace_back(
      "Authorization",
      fmt::format("{} Credential={}/{}, SignedHeaders={}, Signature={}", kAlgorithm,
                  credentials.key_id, scope.to_string(), join(names, ";"),
                  sign_canonical(credentials.secret_key, amz_date, scope, canonical)));
  return added;
}

std::string presign(const Request& request, const Credentials& credentials,
                    const SignOptions& options, std::chrono::seconds good_for) {
  CHECK(good_for > std::chrono::seconds(0) && good_for <= kPresignedMax);
  std::string amz_date = format_amz_date(options.time);
  Scope scope = scope_of(options, amz_date);
  std::vector<std::string> names = names_to_sign(request.headers);
  CHECK(std::ranges::find(names, "host") != names.end());
  Query query = parse_query(request.query);
  query.emplace_back("X-Amz-Algorithm", kAlgorithm);
  query.emplace_back("X-Amz-Credential", credentials.key_id + "/" + scope.to_string());
  query.emplace_back("X-Amz-Date", amz_date);
  query.emplace_back("X-Amz-Expires", std::to_string(good_for.count()));
  query.emplace_back("X-Amz-SignedHeaders", join(names, ";"));
  std::pair<std::string, std::string> token = {"X-Amz-Security-Token",
                                               credentials.session_token.reveal()};
  bool has_token = !token.second.empty();
  if (has_token && options.token == TokenPlace::kSigned) query.push_back(token);
  Request whole = request;
  whole.query = render_query(query);
  std::string canonical = canonical_request(whole, names, options.payload_hash, options.style);
  if (has_token && options.token == TokenPlace::kAppended) query.push_back(token);
  return render_query(query) +
         "&X-Amz-Signature=" + sign_canonical(credentials.secret_key, amz_date, scope, canonical);
}

Result<Presented> parse_presented(const Request& request) {
  std::string authorization = header_value(request.headers, "authorization");
  if (authorization.starts_with(std::string(kAlgorithm) + " ")) {
    return parse_header_form(request, authorization);
  }
  if (!authorization.empty()) {
    return fail(Errc::kInvalid, "Authorization: must begin with {}", kAlgorithm);
  }
  Query query = parse_query(request.query);
  bool is_presigned = std::ranges::any_of(
      query, [](const auto& parameter) { return parameter.first == "X-Amz-Algorithm"; });
  if (is_presigned) return parse_query_form(request, query);
  return fail(Errc::kNotFound, "the request is not signed");
}

Status verify(const Request& request, const Presented& presented, const Secret& secret_key,
              const VerifyOptions& options) {
  TRY(check_time(presented, options.now));
  std::string hash = TRY(presented_hash(request, presented, options));
  Request shown = request;
  if (presented.good_for) {
    Query query = parse_query(request.query);
    std::erase_if(query,
                  [](const auto& parameter) { return parameter.first == "X-Amz-Signature"; });
    shown.query = render_query(query);
  }
  std::string canonical = canonical_request(shown, presented.signed_headers, hash, options.style);
  std::string expected = sign_canonical(secret_key, presented.amz_date, presented.scope, canonical);
  if (is_same_secret(expected, presented.signature)) return {};
  return fail(Errc::kDenied,
              "The request signature we calculated does not match the signature you provided. "
              "Check your AWS Secret Access Key and signing method. Consult the service "
              "documentation for details.");
}

}  // namespace berth::aws
