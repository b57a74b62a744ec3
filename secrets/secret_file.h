// A secret as it stands in its file, values sealed:
//
//   {"version": 2, "kind", "name", "suffix", "createdAt", "changedAt", "deletedAt"?, "purgedAt"?,
//    "attributes"?, "tags"?, "versions": [{"id", "number"?, "stages", "createdAt", "attributes"?,
//    "sealed": hexadecimal}]}
//
// Version 1 had neither suffix nor times nor attributes, and one "stage" of a version.
#pragma once

#include "secrets/secret_store.h"

namespace berth::secrets {

constexpr size_t kSecretFileMax = 32 * 1024 * 1024;

std::string render_secret_file(const StoredSecret& secret);
// kCorrupt or kInvalid; kUnsupported for one of a later version. `path` is for errors.
Result<StoredSecret> parse_secret_file(std::string_view text, const std::string& path);

}  // namespace berth::secrets
