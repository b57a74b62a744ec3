// The key pair that a berthd makes for itself at its first start, in a file that root alone can
// read: whoever signs with it may do everything. `berth env` prints it for a shell.
#pragma once

#include "base/env.h"
#include "base/result.h"
#include "base/secret.h"

#include <string>
#include <string_view>

namespace berth::api {

struct RootKey {
  std::string id;  // "AKIA" and 16 letters and digits
  Secret secret;   // 40 letters and digits
};

RootKey make_root_key(Rng& rng);
// `count` of the letters and digits that Amazon makes key ids of.
std::string make_key_letters(Rng& rng, size_t count);

std::string render_root_key(const RootKey& key);
// kInvalid with the path of the member that is wrong; `name` is the file's.
Result<RootKey> parse_root_key(std::string_view text, const std::string& name);

// Errors: kNotFound when there is none, kDenied when others than its owner could read it.
Result<RootKey> read_root_key(const std::string& path);
// Makes it, and the directory that it is in, when there is none.
Result<RootKey> read_or_make_root_key(const std::string& path, Rng& rng);

}  // namespace berth::api
