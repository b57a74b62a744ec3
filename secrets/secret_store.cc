#include "secrets/secret_store.h"

#include "aws/hash.h"
#include "base/ids.h"
#include "base/json_tree.h"
#include "base/text.h"
#include "secrets/cipher.h"
#include "secrets/secret_file.h"
#include "sys/file.h"

#include <algorithm>

namespace berth::secrets {
namespace {

constexpr std::string_view kSecretFileSuffix = ".json";
constexpr size_t kDayLetters = 10;  // "2026-11-27"
constexpr const char* kMarked =
    "InvalidRequestException: You can't perform this operation on the secret because it was "
    "marked for deletion.";

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

std::string make_suffix(Rng& rng) {
  constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  std::string suffix;
  while (suffix.size() < 6) suffix += kLetters[rng.next() % kLetters.size()];
  return suffix;
}

std::string context_of(const SecretName& name, const std::string& version) {
  return fmt::format("{}\n{}\n{}", name_of(name.kind), name.name, version);
}

Result<std::optional<StoredSecret>> load(const std::string& path) {
  if (!sys::exists(path)) return std::optional<StoredSecret>();
  auto text = sys::read_file(path, kSecretFileMax);
  if (!text && text.error().code == Errc::kNotFound) return std::optional<StoredSecret>();
  return std::optional(TRY(parse_secret_file(TRY(std::move(text)), path)));
}

// format_rfc3339's texts are in the order of time.
bool is_over(const StoredSecret& secret, WallTime now) {
  return !secret.purged_at.empty() && secret.purged_at <= format_rfc3339(now);
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

Status seal_versions(StoredSecret& secret, const Secret& key, Rng& rng) {
  for (SecretVersion& version : secret.versions) {
    if (!version.sealed.empty()) continue;
    version.sealed = TRY(seal(key, random_bytes(rng, kCipherNonce),
                              context_of(secret.name, version.id), version.value));
  }
  return {};
}

}  // namespace

const char* name_of(SecretKind kind) {
  return kind == SecretKind::kSecret ? "secret" : "parameter";
}

// ---- values ----

bool SecretVersion::has_stage(std::string_view stage) const {
  return std::ranges::find(stages, stage) != stages.end();
}

SecretVersion* StoredSecret::find_version(std::string_view id) {
  auto found = std::ranges::find(versions, id, &SecretVersion::id);
  return found == versions.end() ? nullptr : &*found;
}

const SecretVersion* StoredSecret::find_version(std::string_view id) const {
  auto found = std::ranges::find(versions, id, &SecretVersion::id);
  return found == versions.end() ? nullptr : &*found;
}

const SecretVersion* StoredSecret::find_stage(std::string_view stage) const {
  auto found = std::ranges::find_if(
      versions, [&](const SecretVersion& version) { return version.has_stage(stage); });
  return found == versions.end() ? nullptr : &*found;
}

void StoredSecret::move_stage(const std::string& stage, SecretVersion& to) {
  SecretVersion* from = nullptr;
  for (SecretVersion& version : versions) {
    if (version.has_stage(stage)) from = &version;
  }
  if (from == &to) return;
  if (from != nullptr) std::erase(from->stages, stage);
  to.stages.push_back(stage);
  if (stage != kStageCurrent) return;
  std::erase(to.stages, kStagePrevious);
  if (from == nullptr) return;
  std::erase(from->stages, kStagePending);
  move_stage(kStagePrevious, *from);
}

SecretVersion& StoredSecret::add_version(SecretVersion version) {
  versions.insert(versions.begin(), std::move(version));
  size_t max = name.kind == SecretKind::kSecret ? kSecretVersionsMax : kParameterVersionsMax;
  // The oldest that nobody can ask for by a stage.
  for (size_t i = versions.size(); i-- > 1 && versions.size() > max;) {
    if (versions[i].stages.empty()) versions.erase(versions.begin() + static_cast<ptrdiff_t>(i));
  }
  return versions.front();
}

const SecretVersion* choose_version(const StoredSecret& secret, const SecretVersionWanted& wanted) {
  bool is_current = wanted.stage.empty() && wanted.id.empty() && !wanted.number;
  bool is_parameter = secret.name.kind == SecretKind::kParameter;
  if (is_current && is_parameter) {
    return secret.versions.empty() ? nullptr : &secret.versions.front();
  }
  std::string stage = is_current ? std::string(kStageCurrent) : wanted.stage;
  auto found = std::ranges::find_if(secret.versions, [&](const SecretVersion& each) {
    return (wanted.id.empty() || each.id == wanted.id) &&
           (!wanted.number || each.number == *wanted.number) &&
           (stage.empty() || each.has_stage(stage));
  });
  return found == secret.versions.end() ? nullptr : &*found;
}

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

Status check_secret_value(const Secret& value) {
  const std::string& text = value.reveal();
  if (text.empty() || text.size() > kSecretValueMax || text.find('\0') != std::string::npos) {
    return fail(Errc::kInvalid, "a value has 1 to {} bytes, none of them NUL; this one has {}",
                kSecretValueMax, text.size());
  }
  if (json::is_utf8(text)) return {};
  return fail(Errc::kInvalid, "a value must be UTF-8; this one is not");
}

StoredSecret make_secret(const SecretName& name, Env env) {
  StoredSecret secret;
  secret.name = name;
  secret.suffix = make_suffix(env.rng);
  secret.created_at = format_rfc3339(env.clock.wall());
  return secret;
}

// ---- the store ----

std::string SecretStore::file_of(const SecretName& name) const {
  std::string key = fmt::format("{}/{}", name_of(name.kind), name.name);
  return fmt::format("{}/{}{}", directory_, aws::sha256_hex(key), kSecretFileSuffix);
}

Status SecretStore::change(const SecretName& name, Env env, const Change& change) const {
  TRY(check_secret_name(name));
  TRY(sys::make_directories(directory_, 0700));
  TRY(sys::chmod(directory_, 0700));
  sys::FileLock lock = TRY(sys::FileLock::acquire(directory_ + "/.lock"));
  std::optional<StoredSecret> secret = TRY(load(file_of(name)));
  bool was_there = secret.has_value();
  if (secret && is_over(*secret, env.clock.wall())) secret.reset();
  TRY(change(secret));
  if (!secret) return was_there ? sys::remove_file(file_of(name)) : Status();
  Secret key = TRY(ensure_key(directory_, env.rng));
  secret->changed_at = format_rfc3339(env.clock.wall());
  TRY(seal_versions(*secret, key, env.rng));
  return sys::write_atomic(file_of(name), render_secret_file(*secret), 0600);
}

Result<SecretVersion> SecretStore::put(const SecretName& name, const Secret& value, Env env) const {
  TRY(check_secret_value(value));
  SecretVersion made;
  made.id = make_uuid(env.rng);
  made.created_at = format_rfc3339(env.clock.wall());
  made.value = value;
  TRY(change(name, env, [&](std::optional<StoredSecret>& secret) -> Status {
    if (secret && secret->is_deleted()) return fail(Errc::kInvalid, "{}", kMarked);
    if (!secret) secret = make_secret(name, env);
    if (name.kind == SecretKind::kParameter) {
      made.number = secret->versions.empty() ? 1 : secret->versions.front().number + 1;
      // A value of the command line is a secret one, whatever the one before it was.
      made.attributes["type"] = "SecureString";
    }
    SecretVersion& added = secret->add_version(made);
    if (name.kind == SecretKind::kSecret) secret->move_stage(kStageCurrent, added);
    return {};
  }));
  return made;
}

Result<Secret> SecretStore::open(const SecretName& name, const SecretVersion& version) const {
  Secret key = TRY(load_key(directory_));
  auto value = open_sealed(key, context_of(name, version.id), version.sealed);
  if (!value) return wrap(std::move(value).error(), "{} {}", name_of(name.kind), name.name);
  return value;
}

Result<std::optional<SecretVersion>> SecretStore::get(const SecretName& name,
                                                      const SecretVersionWanted& wanted) const {
  auto secret = TRY(load(file_of(name)));
  if (secret && secret->is_deleted()) return fail(Errc::kInvalid, "{}", kMarked);
  const SecretVersion* found = secret ? choose_version(*secret, wanted) : nullptr;
  if (found == nullptr) return std::optional<SecretVersion>();
  SecretVersion version = *found;
  version.value = TRY(open(name, version));
  return std::optional(std::move(version));
}

Result<std::optional<StoredSecret>> SecretStore::find(const SecretName& name, WallTime now) const {
  auto secret = TRY(load(file_of(name)));
  if (secret && is_over(*secret, now)) secret.reset();
  return secret;
}

Result<std::vector<StoredSecret>> SecretStore::list(WallTime now) const {
  std::vector<StoredSecret> secrets;
  if (!sys::exists(directory_)) return secrets;
  for (const std::string& name : TRY(sys::list_directory(directory_))) {
    if (!name.ends_with(kSecretFileSuffix)) continue;
    auto secret = TRY(load(directory_ + "/" + name));
    // Gone while we looked, or over.
    if (secret && !is_over(*secret, now)) secrets.push_back(std::move(*secret));
  }
  std::ranges::sort(secrets, {}, [](const StoredSecret& secret) {
    return std::pair(secret.name.kind, secret.name.name);
  });
  return secrets;
}

Status SecretStore::note_access(const StoredSecret& secret, const SecretVersion& version,
                                WallTime now) const {
  std::string day = format_rfc3339(now).substr(0, kDayLetters);
  // Values are read often, and each write waits for the disk.
  auto noted = version.attributes.find(kAccessedDay);
  if (noted != version.attributes.end() && noted->second == day) return {};
  sys::FileLock lock = TRY(sys::FileLock::acquire(directory_ + "/.lock"));
  std::optional<StoredSecret> kept = TRY(load(file_of(secret.name)));
  SecretVersion* found = kept ? kept->find_version(version.id) : nullptr;
  if (found == nullptr) return {};
  kept->attributes[kAccessedDay] = day;
  found->attributes[kAccessedDay] = day;
  return sys::write_atomic(file_of(secret.name), render_secret_file(*kept), 0600);
}

Result<bool> SecretStore::remove(const SecretName& name) const {
  if (!sys::exists(file_of(name))) return false;
  sys::FileLock lock = TRY(sys::FileLock::acquire(directory_ + "/.lock"));
  TRY(sys::remove_file(file_of(name)));
  return true;
}

Status SecretStore::purge(WallTime now) const {
  if (!sys::exists(directory_)) return {};
  sys::FileLock lock = TRY(sys::FileLock::acquire(directory_ + "/.lock"));
  for (const std::string& name : TRY(sys::list_directory(directory_))) {
    if (!name.ends_with(kSecretFileSuffix)) continue;
    auto secret = load(directory_ + "/" + name);
    if (secret && *secret && is_over(**secret, now)) {
      TRY(sys::remove_file(directory_ + "/" + name));
    }
  }
  return {};
}

}  // namespace berth::secrets
