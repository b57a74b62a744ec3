#include "agent/secret_store.h"

#include "agent/cipher.h"
#include "aws/hash.h"
#include "base/ids.h"
#include "base/json.h"
#include "base/json_tree.h"
#include "base/text.h"
#include "sys/file.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace berth::agent {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kSecretFileVersion = 1;
constexpr size_t kSecretFileMax = 8 * 1024 * 1024;
constexpr std::string_view kSecretFileSuffix = ".json";

struct SealedVersion {
  SecretVersion version;
  std::string sealed;
};

struct SecretFile {
  SecretName name;
  std::vector<SealedVersion> versions;  // the newest first
};

std::optional<std::string> from_hex(std::string_view text) {
  auto digit = [](char c) -> int {
    if (c >= '0' && c <= '9') return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
  };
  if (text.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  for (size_t i = 0; i < text.size(); i += 2) {
    int high = digit(text[i]);
    int low = digit(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes += static_cast<char>(high * 16 + low);
  }
  return bytes;
}

std::string random_bytes(Rng& rng, size_t count) {
  std::string bytes;
  while (bytes.size() < count) {
    uint64_t word = rng.next();
    for (int shift = 0; shift < 64 && bytes.size() < count; shift += 8) {
      bytes += static_cast<char>(word >> shift);
    }
  }
  return bytes;
}

std::string context_of(const SecretName& name, const std::string& version) {
  return fmt::format("{}\n{}\n{}", name_of(name.kind), name.name, version);
}

std::string render(const SecretFile& file) {
  Json versions = Json::array();
  for (const SealedVersion& each : file.versions) {
    versions.push_back({{"id", each.version.id},
                        {"stage", each.version.stage},
                        {"createdAt", each.version.created_at},
                        {"sealed", to_hex(each.sealed)}});
  }
  Json json = {{"version", kSecretFileVersion},
               {"kind", name_of(file.name.kind)},
               {"name", file.name.name},
               {"versions", versions}};
  return json.dump(1) + "\n";
}

Result<SealedVersion> read_version(const json::Node& node) {
  SealedVersion version;
  version.version.id = TRY(node.string_at("id"));
  version.version.stage = TRY(node.string_at("stage"));
  version.version.created_at = TRY(node.string_at("createdAt"));
  auto sealed = from_hex(TRY(node.string_at("sealed")));
  if (!sealed) return fail(Errc::kCorrupt, "{}.sealed: is not hexadecimal", node.path());
  version.sealed = std::move(*sealed);
  return version;
}

Result<SecretFile> parse_secret_file(std::string_view text, const std::string& path) {
  auto document = TRY(json::Document::parse(text, {.name = path, .text_max = kSecretFileMax}));
  json::Node root = document.root();
  int64_t version = TRY(root.i64_at("version"));
  if (version != kSecretFileVersion) {
    return fail(Errc::kUnsupported, "{}: version {}, this berth reads {}", path, version,
                kSecretFileVersion);
  }
  SecretFile file;
  std::string kind = TRY(root.string_at("kind"));
  file.name.kind =
      kind == name_of(SecretKind::kSecret) ? SecretKind::kSecret : SecretKind::kParameter;
  file.name.name = TRY(root.string_at("name"));
  for (const json::Node& each : TRY(root.find_array("versions"))) {
    file.versions.push_back(TRY(read_version(each)));
  }
  return file;
}

Result<std::optional<SecretFile>> load(const std::string& path) {
  if (!sys::exists(path)) return std::optional<SecretFile>();
  std::string text = TRY(sys::read_file(path, kSecretFileMax));
  return std::optional(TRY(parse_secret_file(text, path)));
}

Result<Secret> load_key(const std::string& directory) {
  std::string path = directory + "/key";
  auto key = sys::read_file(path, kCipherKey);
  if (!key) return wrap(std::move(key).error(), "the key of the secrets");
  if (key->size() == kCipherKey) return Secret(std::move(*key));
  return fail(Errc::kCorrupt, "{}: has {} bytes, not {}", path, key->size(), kCipherKey);
}

// Under the lock.
Result<Secret> ensure_key(const std::string& directory, Rng& rng) {
  std::string path = directory + "/key";
  if (!sys::exists(path)) {
    TRY(sys::write_atomic(path, random_bytes(rng, kCipherKey), 0600));
  }
  return load_key(directory);
}

// The one before becomes the previous; what is older than the limit goes.
void make_room(SecretFile& file) {
  for (SealedVersion& each : file.versions) {
    each.version.stage = each.version.stage == kStageCurrent ? kStagePrevious : "";
  }
  if (file.versions.size() >= kSecretVersionsMax) file.versions.resize(kSecretVersionsMax - 1);
}

const SealedVersion* choose(const SecretFile& file, const SecretVersionWanted& wanted) {
  std::string stage =
      wanted.stage.empty() && wanted.id.empty() ? std::string(kStageCurrent) : wanted.stage;
  auto found = std::ranges::find_if(file.versions, [&](const SealedVersion& each) {
    bool has_id = wanted.id.empty() || each.version.id == wanted.id;
    return has_id && (stage.empty() || each.version.stage == stage);
  });
  return found == file.versions.end() ? nullptr : &*found;
}

}  // namespace

Status check_secret_name(const SecretName& name) {
  constexpr std::string_view kMarks = "/_+=.@-";
  bool is_good =
      !name.name.empty() && name.name.size() <= kSecretNameMax &&
      std::ranges::all_of(name.name, [&](char c) {
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        return is_letter || (c >= '0' && c <= '9') || kMarks.find(c) != std::string_view::npos;
      });
  if (is_good) return {};
  return fail(Errc::kInvalid, "\"{}\" is no name of a {}: 1 to {} of A-Z, a-z, 0-9 and {}",
              printable(name.name, 100), name_of(name.kind), kSecretNameMax, kMarks);
}

std::string SecretStore::file_of(const SecretName& name) const {
  std::string key = fmt::format("{}/{}", name_of(name.kind), name.name);
  return fmt::format("{}/{}{}", directory_, aws::sha256_hex(key), kSecretFileSuffix);
}

Result<SecretVersion> SecretStore::put(const SecretName& name, const Secret& value, Env env) const {
  TRY(check_secret_name(name));
  const std::string& text = value.reveal();
  if (text.empty() || text.size() > kSecretValueMax || text.find('\0') != std::string::npos) {
    return fail(Errc::kInvalid, "a value has 1 to {} bytes, none of them NUL; this one has {}",
                kSecretValueMax, text.size());
  }
  if (!json::is_utf8(text)) return fail(Errc::kInvalid, "a value must be UTF-8; this one is not");
  TRY(sys::make_directories(directory_, 0700));
  TRY(sys::chmod(directory_, 0700));
  sys::FileLock lock = TRY(sys::FileLock::acquire(directory_ + "/.lock"));
  Secret key = TRY(ensure_key(directory_, env.rng));
  SecretFile file = TRY(load(file_of(name))).value_or(SecretFile{.name = name, .versions = {}});
  make_room(file);
  SealedVersion made;
  made.version.id = make_uuid(env.rng);
  made.version.stage = kStageCurrent;
  made.version.created_at = format_rfc3339(env.clock.wall());
  made.sealed =
      TRY(seal(key, random_bytes(env.rng, kCipherNonce), context_of(name, made.version.id), value));
  SecretVersion version = made.version;
  file.versions.insert(file.versions.begin(), std::move(made));
  TRY(sys::write_atomic(file_of(name), render(file), 0600));
  return version;
}

Result<std::optional<SecretVersion>> SecretStore::get(const SecretName& name,
                                                      const SecretVersionWanted& wanted) const {
  auto file = TRY(load(file_of(name)));
  const SealedVersion* found = file ? choose(*file, wanted) : nullptr;
  if (found == nullptr) return std::optional<SecretVersion>();
  Secret key = TRY(load_key(directory_));
  auto value = open_sealed(key, context_of(name, found->version.id), found->sealed);
  if (!value) return wrap(std::move(value).error(), "{} {}", name_of(name.kind), name.name);
  SecretVersion version = found->version;
  version.value = std::move(*value);
  return std::optional(std::move(version));
}

Result<std::vector<StoredSecret>> SecretStore::list() const {
  std::vector<StoredSecret> secrets;
  if (!sys::exists(directory_)) return secrets;
  for (const std::string& name : TRY(sys::list_directory(directory_))) {
    if (!name.ends_with(kSecretFileSuffix)) continue;
    auto file = TRY(load(directory_ + "/" + name));
    if (!file) continue;  // it went while we looked
    StoredSecret secret{.name = file->name, .versions = {}};
    for (const SealedVersion& each : file->versions) secret.versions.push_back(each.version);
    secrets.push_back(std::move(secret));
  }
  std::ranges::sort(secrets, {}, [](const StoredSecret& secret) {
    return std::pair(secret.name.kind, secret.name.name);
  });
  return secrets;
}

Result<bool> SecretStore::remove(const SecretName& name) const {
  if (!sys::exists(file_of(name))) return false;
  sys::FileLock lock = TRY(sys::FileLock::acquire(directory_ + "/.lock"));
  TRY(sys::remove_file(file_of(name)));
  return true;
}

}  // namespace berth::agent
