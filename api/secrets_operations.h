// The operations of Secrets Manager: every one of the public model but those about replicas, which
// are refused all the same. docs/secrets-api.md has the same rows, and a test compares.
#pragma once

#include "api/ask.h"
#include "api/json_service.h"
#include "secrets/secret_store.h"

#include <nlohmann/json_fwd.hpp>

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>

namespace berth::api::sm {

using Json = nlohmann::ordered_json;

inline constexpr FaultNames kSecretsFaults{.server = "InternalServiceError"};

// Attribute of a secret that has lost tags.
inline constexpr const char* kUntagged = "untagged";

struct Secrets {
  const secrets::SecretStore& store;
  Env env;
  WallTime now;
  std::string arn_prefix;  // "arn:aws:secretsmanager:eu-west-1:123456789012:secret:"
};

using Operation = OperationOf<Secrets>;
std::span<const Operation> all_operations();

// ---- lookup ----

std::string arn_of(const Secrets& secrets, const secrets::StoredSecret& secret);
// The name that `id` means: itself, or that of an ARN with its suffix or without; "" when refused.
std::string name_in(const Secrets& secrets, Ask& ask, const std::string& id);
// Marked for deletion or not; refused when there is none.
std::optional<secrets::StoredSecret> find_secret(const Secrets& secrets, Ask& ask,
                                                 const std::string& id);
// Changes the secret that SecretId names. Refused when there is none, and when it is marked for
// deletion, but where `marked` allows that.
enum class Marked { kRefused, kAllowed };
using SecretChange = std::function<void(secrets::StoredSecret& secret)>;
std::optional<secrets::StoredSecret> change_secret(Secrets& secrets, Ask& ask, Marked marked,
                                                   const SecretChange& change);
void refuse_marked(Ask& ask);
// ValidationException unless a secret, or one that a service of Amazon's manages, can have the
// name.
void check_name(Ask& ask, const std::string& name);
// {"ARN", "Name"}.
Json secret_json(const Secrets& secrets, const secrets::StoredSecret& secret);
// Seconds since 1970, of what format_rfc3339 has written.
double seconds_of(const std::string& rfc3339);
// "LastAccessedDate" of a secret or of one of its versions, whose values were given out before.
void add_accessed(Json& json, const std::map<std::string, std::string>& attributes);
// ARN, Name, VersionId, the value and the rest, of one version; refused when it cannot be opened.
// Notes that it was given out.
Json value_json(const Secrets& secrets, Ask& ask, const secrets::StoredSecret& secret,
                const secrets::SecretVersion& version);
// Whether the Filters of the request, which must be of the model, let the secret through.
using SecretFilter = std::function<bool(const secrets::StoredSecret& secret)>;
SecretFilter read_filters(Ask& ask);

// ---- operations ----

Json create_secret(Secrets&, Ask&);
Json put_secret_value(Secrets&, Ask&);
Json update_secret(Secrets&, Ask&);
Json update_secret_version_stage(Secrets&, Ask&);

Json get_secret_value(Secrets&, Ask&);
Json batch_get_secret_value(Secrets&, Ask&);
Json describe_secret(Secrets&, Ask&);
Json list_secrets(Secrets&, Ask&);
Json list_secret_version_ids(Secrets&, Ask&);

Json delete_secret(Secrets&, Ask&);
Json restore_secret(Secrets&, Ask&);
Json tag_resource(Secrets&, Ask&);
Json untag_resource(Secrets&, Ask&);
Json get_random_password(Secrets&, Ask&);
Json get_resource_policy(Secrets&, Ask&);
// There are no functions: refused as a rotation without one is, or by one that cannot be called.
Json rotate_secret(Secrets&, Ask&);
// InvalidRequestException.
Json refuse_operation(Secrets&, Ask&);

}  // namespace berth::api::sm
