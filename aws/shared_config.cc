#include "aws/shared_config.h"

#include "base/text.h"
#include "sys/file.h"

namespace berth::aws {
namespace {

std::string path_of(const Environment& environment, const char* variable, const char* file) {
  std::string path = value_of(environment, variable);
  if (path.empty()) path = std::string("~/.aws/") + file;
  if (!path.starts_with("~/")) return path;
  std::string home = value_of(environment, "HOME");
  return (home.empty() ? "/root" : home) + path.substr(1);
}

Result<ConfigFile> load(const std::string& path, FileKind kind) {
  auto text = sys::read_file(path, kConfigFileMax);
  if (!text && text.error().code == Errc::kNotFound) return ConfigFile{};
  if (!text) return tl::unexpected<Error>(std::move(text).error());
  return parse_config_file(*text, path, kind);
}

void add(Profile& profile, const Section& section) {
  for (const auto& [key, value] : section.values) profile.values[key] = value;
}

}  // namespace

std::string Profile::value(const std::string& key) const {
  auto found = values.find(key);
  return found == values.end() ? "" : found->second;
}

SharedConfig merge_config(const ConfigFile& config, const ConfigFile& credentials) {
  SharedConfig merged;
  for (const auto* file : {&config, &credentials}) {
    for (const auto& [name, section] : file->profiles) {
      Profile& profile = merged.profiles[name];
      profile.name = name;
      add(profile, section);
    }
  }
  for (const auto& [name, section] : config.sso_sessions)
    merged.sso_sessions[name] = section.values;
  for (auto& [name, profile] : merged.profiles) {
    auto services = config.services.find(profile.value("services"));
    if (services == config.services.end()) continue;
    for (const auto& [service, members] : services->second.nested) {
      auto url = members.find("endpoint_url");
      if (url != members.end()) profile.endpoints[service] = url->second;
    }
  }
  return merged;
}

Result<SharedConfig> load_shared_config(const Environment& environment) {
  std::string config_path = path_of(environment, "AWS_CONFIG_FILE", "config");
  std::string credentials_path = path_of(environment, "AWS_SHARED_CREDENTIALS_FILE", "credentials");
  ConfigFile config = TRY(load(config_path, FileKind::kConfig));
  ConfigFile credentials = TRY(load(credentials_path, FileKind::kCredentials));
  SharedConfig merged = merge_config(config, credentials);
  merged.config_path = config_path;
  merged.credentials_path = credentials_path;
  return merged;
}

}  // namespace berth::aws
