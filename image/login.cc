#include "image/login.h"

#include "base/text.h"
#include "image/challenge.h"
#include "image/endpoint.h"
#include "image/session.h"
#include "sys/file.h"

#include <nlohmann/json.hpp>

#include <optional>
#include <utility>
#include <vector>

namespace berth::image {
namespace {

// No such directory, by Debian's policy.
constexpr const char* kNoConfig = "/nonexistent";
constexpr mode_t kSecretFile = 0600;

using Json = nlohmann::ordered_json;  // members stay where they were

class Given final : public CredentialProvider {
 public:
  explicit Given(Credentials credentials) : credentials_(std::move(credentials)) {}
  Result<std::optional<Credentials>> credentials(const std::string&, Freshness) override {
    return std::optional(credentials_);
  }

 private:
  Credentials credentials_;
};

// Checked by parse_docker_config() first, whose errors name the member.
Result<Json> parse(std::string_view config) {
  if (trim(config).empty()) return Json::object();
  TRY(parse_docker_config(config, "config.json"));
  return Json::parse(config);
}

std::string render(const Json& config) {
  return config.dump(1, '\t') + "\n";
}

struct ConfigFile {
  std::string path;
  std::string text;  // empty when there is none
};

// A symbolic link is written through: dotfiles are often kept elsewhere.
Result<ConfigFile> read_config(const std::string& directory) {
  ConfigFile file;
  file.path = docker_config_directory(directory) + "/config.json";
  if (auto target = sys::read_link(file.path)) {
    bool is_absolute = target->starts_with('/');
    file.path = is_absolute ? *target : docker_config_directory(directory) + "/" + *target;
  }
  auto text = sys::read_file(file.path, kDockerConfigMax);
  if (!text && text.error().code != Errc::kNotFound) {
    return tl::unexpected<Error>(std::move(text).error());
  }
  if (text) file.text = std::move(*text);
  return file;
}

Status write_config(const ConfigFile& file, const std::string& text) {
  TRY(sys::make_directories(file.path.substr(0, file.path.rfind('/')), 0700));
  return sys::rewrite_atomic(file.path, text, kSecretFile);
}

// The helper that has to be asked about a registry; empty: the file itself.
Result<std::string> helper_of(const ConfigFile& file, const std::string& registry) {
  if (trim(file.text).empty()) return std::string();
  DockerConfig config = TRY(parse_docker_config(file.text, file.path));
  for (const std::string& key : {registry, credential_server(registry)}) {
    auto found = config.cred_helpers.find(key);
    if (found != config.cred_helpers.end()) return found->second;
  }
  return config.creds_store;
}

}  // namespace

Result<std::string> add_auth(std::string_view config, const std::string& server,
                             const Credentials* credentials) {
  Json root = TRY(parse(config));
  Json entry = Json::object();
  if (credentials != nullptr) {
    entry["auth"] = encode_base64(credentials->user + ":" + credentials->password.reveal());
  }
  if (!root["auths"].is_object()) root["auths"] = Json::object();  // it was null
  root["auths"][server] = std::move(entry);
  return render(root);
}

Result<std::string> remove_auths(std::string_view config, const std::string& registry) {
  Json root = TRY(parse(config));
  if (!root.contains("auths") || !root["auths"].is_object()) return std::string(config);
  Json kept = Json::object();
  for (const auto& [server, entry] : root["auths"].items()) {
    DockerConfig alone;
    alone.auths[server] = Credentials{};
    if (!find_auth(alone, registry)) kept[server] = entry;
  }
  root["auths"] = std::move(kept);
  return render(root);
}

Status check_credentials(const std::string& registry, const Credentials& credentials,
                         const RegistryConfig& config, Env env) {
  RegistryConfig asked = config;
  asked.docker_config = kNoConfig;  // what is known already is not what we are asked about
  asked.credential_providers = {std::make_shared<Given>(credentials)};
  RegistrySession session(origin_endpoint(registry, config.insecure_registries), "", {}, asked, env,
                          nullptr);
  // Two rounds: the first may find out that a plain port wants HTTPS.
  for (int round = 0;; ++round) {
    std::string url = session.url("/");
    RegistryRequest get{Method::kGet, url.substr(0, url.size() - 1)};  // ".../v2/"
    HttpResponse response = TRY(session.perform(get));
    if (response.status >= 200 && response.status < 300) return {};
    if (round == 0 && response.status == 400) continue;
    if (response.status == 401 || response.status == 403) {
      return fail(Errc::kDenied, "login {}: the registry refuses user \"{}\" with this password",
                  registry, printable(credentials.user, 100));
    }
    Error error = session.error_of(response, get);
    return wrap(std::move(error), "login {}", registry);
  }
}

Result<std::string> keep_credentials(const std::string& directory, const std::string& registry,
                                     const Credentials& credentials) {
  ConfigFile file = TRY(read_config(directory));
  std::string server = credential_server(registry);
  std::string helper = TRY(helper_of(file, registry));
  if (helper.empty()) {
    TRY(write_config(file, TRY(add_auth(file.text, server, &credentials))));
    return file.path;
  }
  nlohmann::json secret = {{"ServerURL", server},
                           {"Username", credentials.user},
                           {"Secret", credentials.password.reveal()}};
  TRY(tell_helper(helper, "store", secret.dump()));
  TRY(write_config(file, TRY(add_auth(file.text, server, nullptr))));
  return "docker-credential-" + helper;
}

Status forget_credentials(const std::string& directory, const std::string& registry) {
  ConfigFile file = TRY(read_config(directory));
  std::string helper = TRY(helper_of(file, registry));
  std::string text = TRY(remove_auths(file.text, registry));
  Json before = TRY(parse(file.text));
  Json after = TRY(parse(text));
  bool is_known = !helper.empty() || before != after;
  if (!is_known) {
    return fail(Errc::kNotFound, "logout {}: {} has no credentials for it", registry, file.path);
  }
  if (!helper.empty()) TRY(tell_helper(helper, "erase", credential_server(registry)));
  if (trim(file.text).empty()) return {};
  return write_config(file, text);
}

}  // namespace berth::image
