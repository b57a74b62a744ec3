// SecretStore: secrets and parameters of this host, encrypted on disk: those of `berth secrets`, of
// Secrets Manager's API and of Systems Manager's.
//
//   <root>/secrets/key               32 random bytes, for root alone; made with the first secret
//   <root>/secrets/.lock             held by who changes something
//   <root>/secrets/<hash>.json       one secret or parameter (secret_file.h)
//
// Each value is sealed (secrets/cipher.h) with kind, name and version for context, so that none can
// be put in another's place.
//
// Version stages are those of Secrets Manager: the newest value is AWSCURRENT, the one before it
// AWSPREVIOUS, and there may be others; a parameter's are its labels. Versions without a stage are
// kept by their ids, kSecretVersionsMax in all (kParameterVersionsMax). What is marked for deletion
// has no values for anybody until it is restored, or until its time is over.
#pragma once

#include "base/env.h"
#include "base/result.h"
#include "base/secret.h"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace berth::secrets {

constexpr size_t kSecretValueMax = 64 * 1024;  // bytes, as Secrets Manager has it
constexpr size_t kSecretNameMax = 512;
constexpr size_t kSecretVersionsMax = 20;
constexpr size_t kParameterVersionsMax = 100;
inline constexpr const char* kStageCurrent = "AWSCURRENT";
inline constexpr const char* kStagePrevious = "AWSPREVIOUS";
inline constexpr const char* kStagePending = "AWSPENDING";
inline constexpr const char* kAccessedDay = "accessed";

enum class SecretKind { kSecret, kParameter };  // of Secrets Manager, of Systems Manager
// "secret", "parameter".
const char* name_of(SecretKind kind);

struct SecretName {
  SecretKind kind = SecretKind::kSecret;
  std::string name;
};

struct SecretVersion {
  std::string id;                   // a UUID, or the client's
  uint64_t number = 0;              // of a parameter: 1, 2, ...
  std::vector<std::string> stages;  // or labels
  std::string created_at;           // RFC 3339
  // What its service knows of it beside the value: a parameter's type, that a value is binary.
  std::map<std::string, std::string> attributes{};
  Secret value{};        // of one that is new, and what open() gives
  std::string sealed{};  // of one that is stored

  bool has_stage(std::string_view stage) const;
};

struct StoredSecret {
  SecretName name;
  std::string suffix;  // six characters behind the name in its ARN
  std::string created_at;
  std::string changed_at;
  std::string deleted_at{};  // when it was marked for deletion, "" when it was not
  std::string purged_at{};   // when it goes then
  std::map<std::string, std::string> attributes{};
  std::map<std::string, std::string> tags{};
  std::vector<SecretVersion> versions{};  // the newest first

  bool is_deleted() const { return !deleted_at.empty(); }
  SecretVersion* find_version(std::string_view id);
  const SecretVersion* find_version(std::string_view id) const;
  const SecretVersion* find_stage(std::string_view stage) const;
  // Gives the stage to one version alone; the one that was AWSCURRENT becomes AWSPREVIOUS, and is
  // AWSPENDING no more.
  void move_stage(const std::string& stage, SecretVersion& to);
  // A version in front of the others. What is over the limit goes, stages excepted.
  SecretVersion& add_version(SecretVersion version);
};

// Which of the versions: by id, by number or by stage, or with none of them the current one.
struct SecretVersionWanted {
  std::string stage;
  std::string id;
  std::optional<uint64_t> number{};
};
// Null when there is none such.
const SecretVersion* choose_version(const StoredSecret& secret, const SecretVersionWanted& wanted);

class SecretStore {
 public:
  explicit SecretStore(const std::string& root) : directory_(root + "/secrets") {}

  // Makes a new version, and the secret if need be. kInvalid for a name or value that cannot be, or
  // for one that is marked for deletion.
  Result<SecretVersion> put(const SecretName& name, const Secret& value, Env env) const;
  // With its value. Nothing when there is no such secret or version. kCorrupt when the file or the
  // key is damaged; kInvalid for one that is marked for deletion.
  Result<std::optional<SecretVersion>> get(const SecretName& name,
                                           const SecretVersionWanted& wanted) const;
  // By kind and name; values stay sealed. What its time is over for is not there any more.
  Result<std::vector<StoredSecret>> list(WallTime now) const;
  Result<std::optional<StoredSecret>> find(const SecretName& name, WallTime now) const;
  // The value of a version of `secret`.
  Result<Secret> open(const SecretName& name, const SecretVersion& version) const;

  // What is stored, or nothing, to be changed in place, made or taken away, as one. An error of
  // `change` changes nothing and is the answer.
  using Change = std::function<Status(std::optional<StoredSecret>& secret)>;
  Status change(const SecretName& name, Env env, const Change& change) const;
  // That the value of a version of `secret` is given out: the day ("2026-11-27") is the attribute
  // kAccessedDay of both. No change of the secret; nothing is written when that day is noted
  // already, and when either has gone.
  Status note_access(const StoredSecret& secret, const SecretVersion& version, WallTime now) const;
  // False when there was none.
  Result<bool> remove(const SecretName& name) const;
  // Removes what its time is over for.
  Status purge(WallTime now) const;

 private:
  std::string file_of(const SecretName& name) const;

  std::string directory_;
};

// kInvalid unless the service would take the name, or the value.
Status check_secret_name(const SecretName& name);
Status check_secret_value(const Secret& value);

// A new secret, without versions.
StoredSecret make_secret(const SecretName& name, Env env);

}  // namespace berth::secrets
