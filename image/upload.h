// BlobUpload: one blob of the store to one repository, OCI distribution specification 1.1.
//
//   HEAD the blob ------------------------> it is there
//   POST uploads/?mount=&from= -----------> another repository of the registry has it
//   POST uploads/ --> Location --> PUT the whole of it
//                |                  +--> cut: GET the Location tells how far it came
//                |                  |      PATCH the rest, PUT the digest
//                |                  +--> the Location is gone: POST again
//                +--> wants chunks (OCI-Chunk-Min-Length, or 413 for the whole): PATCH each, PUT
//                the
//                     digest
#pragma once

#include "base/result.h"
#include "image/manifest.h"
#include "image/session.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace berth::image {

// The next byte that an upload wants, of its Range header: "0-1023" is 1024. Registries say "0-0"
// for nothing. Nothing when malformed.
std::optional<uint64_t> parse_upload_range(std::string_view range);

// A Location with the digest added to its query. Pure.
std::string with_digest(const std::string& location, const std::string& digest);

enum class Uploaded { kSent, kMounted, kWasThere };

struct UploadRequest {
  Descriptor blob;
  std::string file;                     // empty: the store has no such blob
  std::vector<std::string> mount_from;  // repositories of the same registry that may have it
  // Called with the bytes sent so far; an error stops the upload.
  std::function<Status(uint64_t bytes)> on_bytes;
};

// Repeats as long as it makes sense, at most `attempts` times without progress. Errors: kNotFound
// when neither we nor the registry have the bytes, kDenied, kUnavailable, kInvalid.
Result<Uploaded> upload_blob(RegistrySession& session, const UploadRequest& request, int attempts);

// What an answer to a push means, in words about pushing.
Error push_error(RegistrySession& session, const HttpResponse& response,
                 const RegistryRequest& request);

}  // namespace berth::image
