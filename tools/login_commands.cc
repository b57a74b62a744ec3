// berth login and logout.
#include "agent/registry_config.h"
#include "base/text.h"
#include "image/login.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "tools/commands.h"

#include <unistd.h>

#include <cstdio>

namespace berth::tools {
namespace {

constexpr size_t kPasswordMax = 64 * 1024;  // tokens are long

bool is_terminal() {
  return ::isatty(STDIN_FILENO) == 1;
}

Result<std::string> ask_user() {
  if (!is_terminal()) return fail(Errc::kInvalid, "login: name the user with --username");
  std::fputs("Username: ", stderr);
  std::string line(1024, '\0');
  if (std::fgets(line.data(), static_cast<int>(line.size()), stdin) == nullptr) {
    return fail(Errc::kCancelled, "login: no user name");
  }
  return std::string(trim(line.c_str()));
}

Result<Secret> ask_password(const LoginOptions& options) {
  if (options.password_stdin) {
    std::string text = TRY(sys::read_all(STDIN_FILENO, kPasswordMax));
    while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
    return Secret(std::move(text));
  }
  if (!is_terminal()) {
    return fail(Errc::kInvalid,
                "login: this is no terminal; give the password to --password-stdin");
  }
  const char* typed = ::getpass("Password: ");
  return typed != nullptr ? Secret(typed) : Secret();
}

// "https://registry.example/v2/" is a registry to people, too.
Result<std::string> registry_of(std::string text) {
  size_t scheme = text.find("://");
  if (scheme != std::string::npos) text = text.substr(scheme + 3);
  text = text.substr(0, text.find('/'));
  auto reference = TRY(image::Reference::parse(text + "/name"));
  if (reference.registry == text || text == "index.docker.io") return reference.registry;
  return fail(Errc::kInvalid, "\"{}\" is not a registry: it must be HOST[:PORT]",
              printable(text, 200));
}

Status login(const agent::Config& config, const LoginOptions& options) {
  std::string registry = TRY(registry_of(options.registry));
  image::Credentials credentials;
  credentials.user = options.user.empty() ? TRY(ask_user()) : options.user;
  credentials.password = TRY(ask_password(options));
  if (credentials.user.empty() || credentials.user.find(':') != std::string::npos) {
    return fail(Errc::kInvalid, "login: the user name must not be empty nor have a ':'");
  }
  if (credentials.password.empty()) return fail(Errc::kInvalid, "login: the password is empty");
  sys::SystemClock clock;
  sys::SystemRng rng;
  image::RegistryConfig settings = agent::puller_config_of(config).registry;
  TRY(image::check_credentials(registry, credentials, settings, Env{clock, rng}));
  std::string where = TRY(image::keep_credentials(settings.docker_config, registry, credentials));
  std::printf("%s: logged in, kept in %s\n", registry.c_str(), where.c_str());
  return {};
}

Status logout(const std::string& text) {
  std::string registry = TRY(registry_of(text));
  TRY(image::forget_credentials("", registry));
  std::printf("%s: logged out\n", registry.c_str());
  return {};
}

}  // namespace

int login_command(const agent::Config& config, const LoginOptions& options) {
  return exit_code(login(config, options));
}

int logout_command(const std::string& registry) {
  return exit_code(logout(registry));
}

}  // namespace berth::tools
