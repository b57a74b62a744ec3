#include "image/credentials.h"

#include "base/json.h"
#include "base/text.h"
#include "image/challenge.h"
#include "sys/file.h"
#include "sys/spawn.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>

namespace berth::image {
namespace {

constexpr std::string_view kTokenUser = "<token>";  // the user name that marks identity tokens

// "https://index.docker.io/v1/" -> "index.docker.io".
std::string server_host(std::string_view server) {
  size_t scheme = server.find("://");
  if (scheme != std::string_view::npos) server.remove_prefix(scheme + 3);
  return std::string(server.substr(0, server.find('/')));
}

Result<Credentials> parse_auth(const json::Node& node) {
  Credentials credentials;
  credentials.user = TRY(node.find_string("username")).value_or("");
  credentials.password = Secret(TRY(node.find_string("password")).value_or(""));
  credentials.identity_token = Secret(TRY(node.find_string("identitytoken")).value_or(""));
  auto auth = TRY(node.find_string("auth"));
  if (!auth || auth->empty()) return credentials;
  std::string pair = decode_base64(*auth);
  size_t colon = pair.find(':');
  if (colon == std::string::npos) {
    return fail(Errc::kInvalid, "{}.auth: is not the base64 form of USER:PASSWORD", node.path());
  }
  credentials.user = pair.substr(0, colon);
  credentials.password = Secret(pair.substr(colon + 1));
  return credentials;
}

bool is_helper_name(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.';
  });
}

Result<sys::Output> run_helper(const std::string& helper, const std::string& action,
                               const std::string& input) {
  if (!is_helper_name(helper)) {
    return fail(Errc::kInvalid, "credential helper \"{}\": not a name", printable(helper, 100));
  }
  std::string program = "docker-credential-" + helper;
  sys::Program call{.path = program,
                    .arguments = {program, action},
                    .environment = std::nullopt,
                    .descriptors = {},
                    .new_session = false,
                    .working_directory = ""};
  return sys::run_program(std::move(call), input);
}

tl::unexpected<Error> helper_failed(const std::string& helper, const std::string& what,
                                    const sys::Output& output) {
  std::string said(trim(output.err.empty() ? output.out : output.err));
  return fail(Errc::kDenied, "docker-credential-{} {}: exit status {}: {}", helper, what,
              output.status.shell_code(), printable(said, 300));
}

Result<std::optional<Credentials>> ask_helper(const std::string& helper,
                                              const std::string& server) {
  sys::Output output = TRY(run_helper(helper, "get", server + "\n"));
  if (output.status.shell_code() == 0) return parse_helper_output(output.out);
  // The protocol's one expected failure, told by its text alone.
  if (output.out.find("credentials not found") != std::string::npos) {
    return std::optional<Credentials>();
  }
  return helper_failed(helper, "get " + server, output);
}

}  // namespace

Result<DockerConfig> parse_docker_config(std::string_view text, const std::string& name) {
  auto document = TRY(json::Document::parse(text, {.name = name, .text_max = kDockerConfigMax}));
  json::Node root = document.root();
  DockerConfig config;
  if (auto auths = root.find("auths")) {
    for (const auto& [server, node] : TRY(auths->as_object())) {
      config.auths[server] = TRY(parse_auth(node));
    }
  }
  if (auto helpers = root.find("credHelpers")) {
    for (auto& [server, helper] : TRY(helpers->as_string_map())) {
      config.cred_helpers[server] = helper;
    }
  }
  config.creds_store = TRY(root.find_string("credsStore")).value_or("");
  return config;
}

std::string credential_server(const std::string& registry) {
  return registry == "docker.io" ? "https://index.docker.io/v1/" : registry;
}

std::optional<Credentials> find_auth(const DockerConfig& config, const std::string& registry) {
  auto exact = config.auths.find(credential_server(registry));
  if (exact != config.auths.end()) return exact->second;
  for (const auto& [server, credentials] : config.auths) {
    if (server_host(server) == server_host(credential_server(registry))) return credentials;
  }
  return std::nullopt;
}

Result<std::optional<Credentials>> parse_helper_output(std::string_view text) {
  auto document = TRY(json::Document::parse(text, {.name = "credential helper's answer"}));
  Credentials credentials;
  credentials.user = TRY(document.root().string_at("Username"));
  Secret secret(TRY(document.root().string_at("Secret")));
  if (credentials.user == kTokenUser) {
    credentials.identity_token = std::move(secret);
  } else {
    credentials.password = std::move(secret);
  }
  return std::optional(std::move(credentials));
}

std::string docker_config_directory(const std::string& directory) {
  if (!directory.empty()) return directory;
  if (const char* named = std::getenv("DOCKER_CONFIG")) return named;
  const char* home = std::getenv("HOME");
  return std::string(home != nullptr ? home : "/root") + "/.docker";
}

Status tell_helper(const std::string& helper, const std::string& action, const std::string& input) {
  sys::Output output = TRY(run_helper(helper, action, input));
  if (output.status.shell_code() == 0) return {};
  return helper_failed(helper, action, output);
}

Result<std::optional<Credentials>> load_credentials(const std::string& directory,
                                                    const std::string& registry) {
  std::string path = docker_config_directory(directory) + "/config.json";
  auto text = sys::read_file(path, kDockerConfigMax);
  if (!text && text.error().code == Errc::kNotFound) return std::optional<Credentials>();
  if (!text) return tl::unexpected<Error>(std::move(text).error());
  DockerConfig config = TRY(parse_docker_config(*text, path));
  std::string server = credential_server(registry);
  for (const std::string& key : {registry, server}) {
    auto helper = config.cred_helpers.find(key);
    if (helper != config.cred_helpers.end()) return ask_helper(helper->second, server);
  }
  if (!config.creds_store.empty()) return ask_helper(config.creds_store, server);
  auto found = find_auth(config, registry);
  bool is_empty = found && found->user.empty() && found->identity_token.empty();
  return is_empty ? std::nullopt : found;
}

// Nothing is kept here: the file and the helpers are asked anew each time.
Result<std::optional<Credentials>> DockerCredentials::credentials(const std::string& registry,
                                                                  Freshness) {
  return load_credentials(directory_, registry);
}

Result<std::optional<Credentials>> GivenCredentials::credentials(const std::string& registry,
                                                                 Freshness) {
  if (registry != registry_) return std::optional<Credentials>();
  return std::optional<Credentials>(given_);
}

Result<std::optional<Credentials>> find_credentials(const CredentialProviders& providers,
                                                    const std::string& registry,
                                                    Freshness freshness) {
  for (const auto& provider : providers) {
    auto known = TRY(provider->credentials(registry, freshness));
    if (known) return known;
  }
  return std::optional<Credentials>();
}

}  // namespace berth::image
