// berth env: what a shell must know for Amazon's tools to speak to the berthd of this instance.
#include "agent/daemon_info.h"
#include "agent/paths.h"
#include "api/root_key.h"
#include "base/log.h"
#include "tools/commands.h"

#include <cstdio>
#include <utility>

namespace berth::tools {
namespace {

// What it listens on everywhere is reached by the loopback.
std::string url_of(sys::TcpAddress at) {
  if (at.address.value == 0) at.address = agent::kDefaultListen.address;
  return "http://" + agent::render_listen(at);
}

// As a shell reads it back, whatever is in it.
std::string shell_word(const std::string& text) {
  std::string word = "'";
  for (char c : text) word += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return word + "'";
}

Status print_environment(const agent::Config& config) {
  agent::InstancePaths paths = agent::paths_of(config);
  auto key = api::read_root_key(paths.root_key());
  if (!key && key.error().code == Errc::kNotFound) {
    return fail(Errc::kNotFound, "{}: no berthd has served this instance yet: start one",
                paths.root_key());
  }
  if (!key) return tl::unexpected<Error>(std::move(key).error());
  auto info = agent::read_daemon_info(paths.daemon_info());
  if (!info) std::fprintf(stderr, "berth: no berthd serves this instance now\n");
  std::string url = url_of(info ? info->listen : config.listen);
  const std::pair<const char*, const std::string&> variables[] = {
      {"AWS_ACCESS_KEY_ID", key->id},
      {"AWS_SECRET_ACCESS_KEY", key->secret.reveal()},
      {"AWS_REGION", config.region},
      {"AWS_DEFAULT_REGION", config.region},
      {"AWS_ENDPOINT_URL", url},
      {"AWS_ENDPOINT_URL_ECS", url},
      {"AWS_ENDPOINT_URL_EC2", url},
      {"AWS_ENDPOINT_URL_STS", url},
      {"AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", url},
      {"AWS_ENDPOINT_URL_SSM", url},
      {"AWS_ENDPOINT_URL_SECRETS_MANAGER", url},
      {"AWS_ENDPOINT_URL_CLOUDWATCH", url},
      {"AWS_ENDPOINT_URL_APPLICATION_AUTO_SCALING", url},
      {"AWS_ENDPOINT_URL_EVENTBRIDGE", url},
  };
  for (const auto& [name, value] : variables) {
    std::printf("export %s=%s\n", name, shell_word(value).c_str());
  }
  // Those of before would be taken together with these.
  std::printf("unset AWS_SESSION_TOKEN AWS_PROFILE\n");
  return {};
}

}  // namespace

int env_command(const agent::Config& config) {
  return exit_code(print_environment(config));
}

}  // namespace berth::tools
