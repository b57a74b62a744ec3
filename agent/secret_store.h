// SecretStore: secrets and parameters of this host, encrypted on disk.
//
//   <root>/secrets/key               32 random bytes, for root alone; made with the first secret
//   <root>/secrets/.lock             held by who changes something
//   <root>/secrets/<hash>.json       one secret or parameter: name, kind and versions
//
// Each value is sealed (agent/cipher.h) with kind, name and version for context, so that none can
// be put in another's place.
//
// Version stages are those of Secrets Manager: the newest value is AWSCURRENT, the one before it
// AWSPREVIOUS; older ones are kept by their version ids, kSecretVersionsMax in all.
#pragma once

#include "agent/secret_reference.h"
#include "base/env.h"
#include "base/result.h"
#include "base/secret.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace berth::agent {

constexpr size_t kSecretValueMax = 64 * 1024;  // bytes, as Secrets Manager has it
constexpr size_t kSecretNameMax = 512;
constexpr size_t kSecretVersionsMax = 20;
inline constexpr const char* kStageCurrent = "AWSCURRENT";
inline constexpr const char* kStagePrevious = "AWSPREVIOUS";

struct SecretName {
  SecretKind kind = SecretKind::kSecret;
  std::string name;
};

struct SecretVersion {
  std::string id;          // a UUID
  std::string stage;       // kStageCurrent, kStagePrevious or ""
  std::string created_at;  // RFC 3339
  Secret value;            // filled by get() only
};

struct StoredSecret {
  SecretName name;
  std::vector<SecretVersion> versions;  // the newest first
};

// Which of the versions: by id, by stage, or with neither the current one.
struct SecretVersionWanted {
  std::string stage;
  std::string id;
};

class SecretStore {
 public:
  explicit SecretStore(const std::string& root) : directory_(root + "/secrets") {}

  // Makes a new version. kInvalid for a name or value that cannot be.
  Result<SecretVersion> put(const SecretName& name, const Secret& value, Env env) const;
  // Nothing when there is no such secret or version. kCorrupt when the file or the key is damaged.
  Result<std::optional<SecretVersion>> get(const SecretName& name,
                                           const SecretVersionWanted& wanted) const;
  // By kind and name; values stay sealed.
  Result<std::vector<StoredSecret>> list() const;
  // False when there was none.
  Result<bool> remove(const SecretName& name) const;

 private:
  std::string file_of(const SecretName& name) const;

  std::string directory_;
};

// kInvalid unless the service would take the name.
Status check_secret_name(const SecretName& name);

}  // namespace berth::agent
