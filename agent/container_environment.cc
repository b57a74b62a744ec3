#include "agent/container_environment.h"

#include "agent/aws_client.h"
#include "agent/environment_file.h"
#include "agent/secret_reference.h"
#include "aws/chain.h"
#include "base/json.h"
#include "base/text.h"
#include "scheduler/firelens.h"
#include "sys/file.h"
#include "sys/spawn.h"

#include <fcntl.h>

#include <algorithm>
#include <optional>

namespace berth::agent {
namespace {

constexpr const char* kNoSecret =
    "unable to pull secrets or registry auth: execution resource retrieval failed";
constexpr const char* kNoFile = "failed to download env files";
constexpr const char* kNoRouterConfig = "unable to download firelens s3 config file";

class Fetcher {
 public:
  Fetcher(const Config& config, aws::Http& http, Clock& clock)
      : config_(config),
        http_(http),
        clock_(clock),
        store_(config.root),
        environment_(aws::parse_environment(sys::own_environment())) {}

  Result<ContainerEnvironment> fetch(const scheduler::ContainerDefinition& container) {
    ContainerEnvironment made;
    for (const scheduler::EnvironmentFile& file : container.environment_files) {
      auto variables = read_file(file.value);
      if (!variables) return wrap(std::move(variables).error(), "{}: {}", kNoFile, file.value);
      for (scheduler::KeyValue& variable : *variables) add(made.from_files, std::move(variable));
    }
    made.secrets = TRY(find_secrets(container.secrets));
    if (container.log_configuration) {
      made.secret_options = TRY(find_secrets(container.log_configuration->secret_options));
    }
    if (container.firelens) made.router_config = TRY(find_router_config(*container.firelens));
    made.registry = TRY(find_registry_credentials(container));
    return made;
  }

  Result<std::optional<image::Credentials>> find_registry_credentials(
      const scheduler::ContainerDefinition& container) {
    if (container.repository_credentials.empty()) return std::optional<image::Credentials>();
    auto reference = TRY(registry_secret_reference(container.repository_credentials));
    auto value = look(reference);
    if (!value) {
      return wrap(std::move(value).error(),
                  "{}: unable to get registry auth from asm: asm fetching secret from the service "
                  "for {}",
                  kNoSecret, printable(reference.id, 300));
    }
    auto parsed = parse_repository_credentials(*value);
    if (!parsed) {
      return wrap(std::move(parsed).error(), "{}: unable to get registry auth from asm", kNoSecret);
    }
    return std::optional<image::Credentials>(std::move(*parsed));
  }

 private:
  using NamedSecrets = std::vector<std::pair<std::string, Secret>>;

  static void add(std::vector<scheduler::KeyValue>& variables, scheduler::KeyValue variable) {
    bool is_there = std::ranges::any_of(
        variables, [&](const scheduler::KeyValue& each) { return each.name == variable.name; });
    if (!is_there) variables.push_back(std::move(variable));
  }

  // ---- environment files ----

  Result<std::vector<scheduler::KeyValue>> read_file(const std::string& arn) {
    return parse_environment_file(TRY(read_object(arn)));
  }

  Result<std::string> find_router_config(const scheduler::FirelensConfiguration& firelens) {
    scheduler::RouterOptions options = scheduler::router_options_of(firelens);
    if (options.external != scheduler::ExternalConfig::kS3) return std::string();
    auto text = read_object(options.value);
    if (!text) return wrap(std::move(text).error(), "{}: {}", kNoRouterConfig, options.value);
    return text;
  }

  Result<std::string> read_object(const std::string& arn) {
    ObjectName object = TRY(parse_object_arn(arn));
    auto directory = config_.environment_files.buckets.find(object.bucket);
    if (directory != config_.environment_files.buckets.end()) {
      return read_local(directory->second, object.key);
    }
    if (config_.environment_files.ask_s3) return download(object);
    return fail(Errc::kNotFound,
                "bucket {} is neither in environmentFiles.buckets of berth.json nor is there an "
                "environmentFiles.s3 (docs/configuration.md, Environment files)",
                printable(object.bucket, 100));
  }

  // A key of the task definition leads nowhere but below the directory.
  static Result<std::string> read_local(const std::string& directory, const std::string& key) {
    sys::Fd root = TRY(sys::open(directory, O_PATH | O_DIRECTORY));
    sys::Fd file = TRY(sys::open_in_root(root.get(), key, O_RDONLY | O_NONBLOCK));
    struct stat st = TRY(sys::stat_fd(file.get()));
    if (!S_ISREG(st.st_mode)) return fail(Errc::kInvalid, "{}: is no file", printable(key, 200));
    return sys::read_all(file.get(), kEnvironmentFileMax);
  }

  Result<std::string> download(const ObjectName& object) {
    const ServiceAccess& access = config_.environment_files.s3;
    ServicePlace place = place_of(access, "");
    aws::Credentials keys = TRY(credentials_of(access, place.region));
    auto response = TRY(http_.send(get_object(place, object, keys, clock_.wall())));
    return parse_object(std::move(response));
  }

  // ---- secrets ----

  // What is no ARN is the name of a secret here, never that of a parameter.
  static Result<SecretReference> registry_secret_reference(const std::string& text) {
    if (text.starts_with("arn:")) return parse_secret_reference(text);
    SecretReference reference;
    reference.kind = SecretKind::kSecret;
    reference.text = reference.id = reference.name = text;
    return reference;
  }

  Result<NamedSecrets> find_secrets(const std::vector<scheduler::SecretVariable>& wanted) {
    NamedSecrets found;
    for (const scheduler::SecretVariable& secret : wanted) {
      auto value = find_secret(secret.value_from);
      if (!value) return wrap(std::move(value).error(), "{}", kNoSecret);
      found.emplace_back(secret.name, std::move(*value));
    }
    return found;
  }

  Result<Secret> find_secret(const std::string& value_from) {
    SecretReference reference = TRY(parse_secret_reference(value_from));
    auto known = known_.find(value_from);
    if (known != known_.end()) return known->second;
    bool is_secret = reference.kind == SecretKind::kSecret;
    auto value = look(reference);
    if (!value && is_secret) {
      return wrap(std::move(value).error(),
                  "unable to retrieve secret from asm: failed to fetch secret {} from secrets "
                  "manager",
                  printable(reference.id, 300));
    }
    if (!value) {
      return wrap(std::move(value).error(), "unable to retrieve secrets from ssm: {}",
                  printable(reference.id, 300));
    }
    if (!reference.json_key.empty()) {
      auto member = pick_member(*value, reference.json_key);
      if (!member) return wrap(std::move(member).error(), "unable to retrieve secret from asm");
      value = std::move(member);
    }
    known_[value_from] = *value;
    return value;
  }

  Result<Secret> look(const SecretReference& reference) {
    secrets::SecretVersionWanted wanted{reference.version_stage, reference.version_id};
    bool is_secret = reference.kind == SecretKind::kSecret;
    std::vector<std::string> names{reference.name};
    // Secrets Manager adds a suffix to the names in ARNs; a parameter has its name and no other.
    std::string shorter = is_secret ? without_suffix(reference.name) : reference.name;
    if (shorter != reference.name) names.push_back(shorter);
    // The ARN of "/a" is that of "a".
    bool has_level = reference.name.find('/') != std::string::npos;
    if (!is_secret && !has_level) names.push_back("/" + reference.name);
    for (const std::string& name : names) {
      auto stored = TRY(store_.get({reference.kind, name}, wanted));
      if (stored) return std::move(stored->value);
    }
    const auto& access = is_secret ? config_.secrets.secrets_manager : config_.secrets.parameters;
    if (access) return ask(reference, *access);
    return fail(Errc::kNotFound,
                "ResourceNotFoundException: this host has no {} of that name; keep one with "
                "`berth secrets put {}{}`",
                name_of(reference.kind), is_secret ? "" : "--parameter ", printable(shorter, 200));
  }

  Result<Secret> ask(const SecretReference& reference, const ServiceAccess& access) {
    bool is_secret = reference.kind == SecretKind::kSecret;
    ServicePlace place = place_of(access, reference.region);
    aws::Credentials keys = TRY(credentials_of(access, place.region));
    auto request = is_secret ? get_secret_value(place, reference, keys, clock_.wall())
                             : get_parameter(place, reference, keys, clock_.wall());
    return parse_value(TRY(http_.send(request)), reference.kind);
  }

  // ---- AWS ----

  ServicePlace place_of(const ServiceAccess& access, const std::string& of_arn) const {
    ServicePlace place{access.endpoint, access.region};
    if (place.region.empty()) place.region = of_arn.empty() ? config_.region : of_arn;
    return place;
  }

  Result<aws::Credentials> credentials_of(const ServiceAccess& access, const std::string& region) {
    auto found = keys_.find(access.profile);
    if (found != keys_.end()) return found->second;
    aws::CredentialChain chain({environment_, access.profile}, http_, clock_);
    aws::Credentials keys = TRY(chain.get(region));
    keys_.emplace(access.profile, keys);
    return keys;
  }

  const Config& config_;
  aws::Http& http_;
  Clock& clock_;
  secrets::SecretStore store_;
  aws::Environment environment_;
  std::map<std::string, Secret> known_;           // by valueFrom
  std::map<std::string, aws::Credentials> keys_;  // by profile
};

}  // namespace

// As Go reads it for the ECS agent: names in any case.
Result<image::Credentials> parse_repository_credentials(const Secret& value) {
  auto invalid = [] {
    return fail(
        Errc::kInvalid,
        "asm fetching authorization data: unable to unmarshal secret value, invalid schema");
  };
  auto document = json::Document::parse(value.reveal(), {.name = "secret"});
  if (!document) return invalid();
  auto members = document->root().as_object();
  if (!members) return invalid();
  std::map<std::string, std::string> found;
  for (const auto& [name, member] : *members) {
    std::string key = to_lower(name);
    if (key != "username" && key != "password") continue;
    auto text = member.as_string();
    if (!text) return invalid();
    found[key] = *text;
  }
  for (const char* key : {"username", "password"}) {
    if (!found[key].empty()) continue;
    return fail(Errc::kInvalid, "asm fetching {}: AuthorizationData is malformed, empty field",
                key);
  }
  image::Credentials credentials;
  credentials.user = found["username"];
  credentials.password = Secret(found["password"]);
  return credentials;
}

bool needs_fetching(const scheduler::TaskDefinition& definition) {
  return std::ranges::any_of(definition.container_definitions, [](const auto& container) {
    bool has_secret_options =
        container.log_configuration && !container.log_configuration->secret_options.empty();
    return !container.environment_files.empty() || !container.secrets.empty() ||
           container.firelens || has_secret_options || !container.repository_credentials.empty();
  });
}

Result<ContainerEnvironments> fetch_environments(const Config& config,
                                                 const scheduler::TaskDefinition& definition,
                                                 aws::Http& http, Clock& clock) {
  Fetcher fetcher(config, http, clock);
  ContainerEnvironments environments;
  for (const auto& container : definition.container_definitions) {
    environments[container.name] = TRY(fetcher.fetch(container));
  }
  return environments;
}

Result<std::optional<image::Credentials>> fetch_repository_credentials(
    const Config& config, const scheduler::ContainerDefinition& container, aws::Http& http,
    Clock& clock) {
  return Fetcher(config, http, clock).find_registry_credentials(container);
}

}  // namespace berth::agent
