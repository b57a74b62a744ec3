// The canonical request of Signature Version 4: the one text that signer and verifier make of the
// same request, however it was written. Pure.
//
//   METHOD
//   path            dot segments removed and encoded once more, or as S3 wants it
//   query           name=value, encoded, sorted
//   name:value      each signed header: lower case, white space collapsed
//   (empty line)
//   name;name       the signed headers
//   hash            of the payload, or a word that stands for it
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace berth::aws {

// In order of appearance; a name may occur more than once.
using Headers = std::vector<std::pair<std::string, std::string>>;
using Query = std::vector<std::pair<std::string, std::string>>;

// As it is on the wire.
struct Request {
  std::string method;
  std::string path;   // percent-encoded as sent; "" counts as "/"
  std::string query;  // without the '?'
  Headers headers;
};

enum class PathStyle {
  kService,  // every service but S3: normalised, then encoded a second time
  kS3,       // names of objects are paths: nothing is normalised, and encoded only once
};

// All but letters, digits and "-._~" as %XX.
std::string percent_encode(std::string_view text);
// A '%' without two hexadecimal digits after it stays as it is; '+' is no space.
std::string percent_decode(std::string_view text);

// Names and values decoded, in the order of the text; empty pieces are dropped.
Query parse_query(std::string_view text);
// Encoded and sorted.
std::string render_query(const Query& query);

// "a b" of "  a   b ".
std::string collapse_white_space(std::string_view text);
// The values of a header (its name in lower case), joined with ','; "" when it is absent.
std::string header_value(const Headers& headers, std::string_view name);

// `signed_headers`: in lower case and sorted.
std::string canonical_request(const Request& request,
                              const std::vector<std::string>& signed_headers,
                              std::string_view payload_hash, PathStyle style);

}  // namespace berth::aws
