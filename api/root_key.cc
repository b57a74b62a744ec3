// The file: {"version": 1, "accessKeyId": "AKIA...", "secretAccessKey": "..."}
#include "api/root_key.h"

#include "base/json.h"
#include "sys/file.h"

#include <nlohmann/json.hpp>

namespace berth::api {
namespace {

constexpr int kRootKeyVersion = 1;
constexpr size_t kRootKeyFileMax = 4096;
constexpr size_t kKeyIdLetters = 16;
constexpr size_t kSecretLetters = 40;
constexpr std::string_view kKeyLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

}  // namespace

std::string make_key_letters(Rng& rng, size_t count) {
  std::string letters;
  // 32 letters: five bits each, without a bias.
  for (size_t i = 0; i < count; ++i) letters += kKeyLetters[rng.next() % kKeyLetters.size()];
  return letters;
}

RootKey make_root_key(Rng& rng) {
  RootKey key;
  key.id = "AKIA" + make_key_letters(rng, kKeyIdLetters);
  key.secret = Secret(make_key_letters(rng, kSecretLetters));  // 200 bits
  return key;
}

std::string render_root_key(const RootKey& key) {
  nlohmann::ordered_json json = {{"version", kRootKeyVersion},
                                 {"accessKeyId", key.id},
                                 {"secretAccessKey", key.secret.reveal()}};
  return json.dump(2) + "\n";
}

Result<RootKey> parse_root_key(std::string_view text, const std::string& name) {
  auto document = TRY(json::Document::parse(text, {.name = name}));
  json::Node root = document.root();
  int64_t version = TRY(root.i64_at("version"));
  if (version != kRootKeyVersion) {
    return fail(Errc::kInvalid, "{}: version {}: this berth reads version {}", name, version,
                kRootKeyVersion);
  }
  RootKey key;
  key.id = TRY(root.string_at("accessKeyId"));
  key.secret = Secret(TRY(root.string_at("secretAccessKey")));
  if (key.id.empty() || key.secret.empty()) {
    return fail(Errc::kInvalid, "{}: accessKeyId and secretAccessKey must not be empty", name);
  }
  return key;
}

Result<RootKey> read_root_key(const std::string& path) {
  std::string text = TRY(sys::read_file(path, kRootKeyFileMax));
  struct stat st = TRY(sys::stat(path));
  if ((st.st_mode & 077) != 0) {
    return fail(Errc::kDenied,
                "{}: has the key to this host's API and may be read by others (mode {:04o}): chmod "
                "600 it, or remove it and start berthd for another one",
                path, st.st_mode & 07777);
  }
  return parse_root_key(text, path);
}

Result<RootKey> read_or_make_root_key(const std::string& path, Rng& rng) {
  if (sys::exists(path)) return read_root_key(path);
  RootKey key = make_root_key(rng);
  TRY(sys::make_directories(path.substr(0, path.rfind('/')), 0700));
  TRY(sys::write_atomic(path, render_root_key(key), 0600));
  return key;
}

}  // namespace berth::api
