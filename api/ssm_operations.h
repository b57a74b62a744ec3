// The operations of Systems Manager's Parameter Store; the rest of Systems Manager is unknown here.
// docs/ssm-api.md has the same rows, and a test compares.
#pragma once

#include "api/ask.h"
#include "api/json_service.h"
#include "secrets/secret_store.h"

#include <nlohmann/json_fwd.hpp>

#include <functional>
#include <optional>
#include <span>
#include <string>

namespace berth::api::ssm {

using Json = nlohmann::ordered_json;

inline constexpr FaultNames kSsmFaults{
    .invalid = "ValidationException", .server = "InternalServerError", .has_constraints = true};

struct Parameters {
  const secrets::SecretStore& store;
  Env env;
  WallTime now;
  std::string arn_prefix;           // "arn:aws:ssm:eu-west-1:123456789012:parameter"
  std::string user;                 // who asks, as an ARN
  std::string secret_arn_prefix{};  // "arn:aws:secretsmanager:eu-west-1:123456789012:secret:"
};

using Operation = OperationOf<Parameters>;
std::span<const Operation> all_operations();

// ---- lookup ----

// "NAME", "NAME:VERSION", "NAME:LABEL", the same with an ARN.
struct Selected {
  std::string name;
  std::string selector;  // ":3", ":live", ""
  secrets::SecretVersionWanted wanted;
};
Selected parse_selected(const Parameters& parameters, const std::string& text);
// Refused unless slashes stand where they may in a name that is asked for; an ARN is.
void check_asked_name(Ask& ask, const std::string& text);
inline constexpr const char* kPathRule =
    "Parameter name: can't be prefixed with \"ssm\" (case-insensitive). If formed as a path, it "
    "can consist of sub-paths divided by slash symbol; each sub-path can be formed as a mix of "
    "letters, numbers and the following 3 symbols .-_";
// Whether a name stands for a secret of Secrets Manager: "/aws/reference/secretsmanager/NAME", with
// ":STAGE" or ":VERSION" behind it.
bool is_reference(const std::string& name);
// That secret as a parameter. Nothing when there is none; refused unless it is to be decrypted.
std::optional<Json> referenced_secret(const Parameters& parameters, Ask& ask,
                                      const std::string& name, bool is_decrypted);
// By its name as it was put; "/a" and "a" are one. Refused with ParameterNotFound.
std::optional<secrets::StoredSecret> find_parameter(const Parameters& parameters, Ask& ask,
                                                    const std::string& name);
// Nothing when there is none.
std::optional<secrets::StoredSecret> look_for(const Parameters& parameters, Ask& ask,
                                              const std::string& name);
// Changes one that is there, which stays there.
using ParameterChange = std::function<void(secrets::StoredSecret& parameter)>;
std::optional<secrets::StoredSecret> change_parameter(Parameters& parameters, Ask& ask,
                                                      const std::string& name,
                                                      const ParameterChange& change);
// By name.
std::vector<secrets::StoredSecret> all_parameters(const Parameters& parameters, Ask& ask);
std::string arn_of(const Parameters& parameters, const secrets::StoredSecret& parameter);
// "type", "description", "pattern", "tier", "dataType", "keyId", "user"; "" when it has none.
std::string attribute_of(const secrets::SecretVersion& version, const std::string& name);
double seconds_of_version(const secrets::SecretVersion& version);
// Of String and StringList the value; of a SecureString that too when it is to be decrypted.
std::string value_of(const Parameters& parameters, Ask& ask, const secrets::StoredSecret& parameter,
                     const secrets::SecretVersion& version, bool is_decrypted);
// Whether the filters of the request let a parameter through.
using ParameterFilter = std::function<bool(const secrets::StoredSecret& parameter)>;
ParameterFilter read_parameter_filters(Ask& ask);
// Whether `name` is beneath `path`: directly, or at any depth.
bool is_beneath(const std::string& name, const std::string& path, bool is_recursive);

// ---- operations ----

Json put_parameter(Parameters&, Ask&);
Json delete_parameter(Parameters&, Ask&);
Json delete_parameters(Parameters&, Ask&);
Json label_parameter_version(Parameters&, Ask&);
Json unlabel_parameter_version(Parameters&, Ask&);
Json add_tags_to_resource(Parameters&, Ask&);
Json remove_tags_from_resource(Parameters&, Ask&);
Json list_tags_for_resource(Parameters&, Ask&);

Json get_parameter(Parameters&, Ask&);
Json get_parameters(Parameters&, Ask&);
Json get_parameters_by_path(Parameters&, Ask&);
Json get_parameter_history(Parameters&, Ask&);
Json describe_parameters(Parameters&, Ask&);

}  // namespace berth::api::ssm
