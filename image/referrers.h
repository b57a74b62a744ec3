// Referrers: what a registry has that refers to an image (signatures, bills of material,
// attestations), OCI distribution specification 1.1: GET /v2/NAME/referrers/DIGEST, page by page,
// and where a registry does not know that yet, the index under the tag sha256-<hex>.
#pragma once

#include "base/env.h"
#include "base/result.h"
#include "image/cancel.h"
#include "image/puller.h"
#include "image/reference.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace berth::image {

constexpr size_t kReferrersMax = 10'000;
constexpr size_t kReferrerPagesMax = 200;

struct Referrer {
  std::string digest;
  std::string media_type;
  std::string artifact_type;  // may be empty
  uint64_t size = 0;
  std::map<std::string, std::string> annotations;
};

struct Referrers {
  std::string subject;  // the digest of the image
  std::vector<Referrer> referrers;
};

// An index of referrers. kInvalid for anything else. Pure.
Result<std::vector<Referrer>> parse_referrers(std::string_view text);
// "sha256-<hex>", where they are found without the API. Pure.
std::string referrers_tag(std::string_view digest);

// Asks the registry itself, no mirror. An empty `artifact_type` means all. `config` and `cancel`
// are borrowed; `cancel` may be absent.
Result<Referrers> list_referrers(const Reference& reference, const std::string& artifact_type,
                                 const RegistryConfig& config, Env env, Cancel* cancel);

}  // namespace berth::image
