// The token protocol of the distribution project, as values: what is asked and what is answered.
// Pure.
#pragma once

#include "base/env.h"
#include "base/result.h"
#include "base/secret.h"
#include "image/challenge.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace berth::image {

constexpr size_t kTokenMax = 64 * 1024;
constexpr size_t kTokenAnswerMax = 256 * 1024;
constexpr size_t kScopesMax = 16;

struct Token {
  Secret text;
  Duration lifetime;  // from when it was answered
};

// "service=registry&scope=repository%3Aapp%3Apull": the challenge's scopes and those of `scopes`
// that it does not name.
std::string token_query(const Challenge& challenge, const std::vector<std::string>& scopes);

// The answer of a token server. `date` is the answer's Date header, by which `issued_at` is read:
// the token may have been issued before, and our clock may be wrong. Errors: kDenied when there is
// no usable token in it, kInvalid when it is not JSON; never quotes the token.
Result<Token> parse_token(std::string_view text, std::optional<WallTime> date);

// How long before its end a token is not used any more.
Duration token_margin(Duration lifetime);

// "MANIFEST_UNKNOWN: manifest unknown" of a registry's or token server's error document, or
// nothing.
std::string reason_in(std::string_view body);

}  // namespace berth::image
