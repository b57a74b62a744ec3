#include "agent/secret_settings.h"

#include "aws/endpoint.h"
#include "base/text.h"

#include <nlohmann/json.hpp>

namespace berth::agent {
namespace {

constexpr size_t kSettingShown = 200;
constexpr size_t kBucketsMax = 1000;

Result<ServiceAccess> read_access(const json::Node& node) {
  TRY(node.only({"endpoint", "profile", "region"}));
  ServiceAccess access;
  access.endpoint = TRY(node.find_string("endpoint")).value_or("");
  access.profile = TRY(node.find_string("profile")).value_or("");
  access.region = TRY(node.find_string("region")).value_or("");
  if (!access.endpoint.empty()) {
    auto url = aws::parse_url(access.endpoint);
    if (!url) return wrap(std::move(url).error(), "{}.endpoint", node.path());
  }
  if (!access.region.empty() && !aws::is_region(access.region)) {
    return fail(Errc::kInvalid, "{}.region: \"{}\" is no region", node.path(),
                printable(access.region, kSettingShown));
  }
  return access;
}

nlohmann::ordered_json render_access(const ServiceAccess& access) {
  nlohmann::ordered_json out = nlohmann::ordered_json::object();
  if (!access.endpoint.empty()) out["endpoint"] = access.endpoint;
  if (!access.profile.empty()) out["profile"] = access.profile;
  if (!access.region.empty()) out["region"] = access.region;
  return out;
}

}  // namespace

Result<SecretSettings> read_secret_settings(const json::Node& root) {
  SecretSettings settings;
  auto node = root.find("secrets");
  if (!node) return settings;
  TRY(node->only({"secretsManager", "ssm"}));
  auto manager = node->find("secretsManager");
  auto parameters = node->find("ssm");
  if (manager) settings.secrets_manager = TRY(read_access(*manager));
  if (parameters) settings.parameters = TRY(read_access(*parameters));
  return settings;
}

Result<EnvironmentFileSettings> read_environment_file_settings(const json::Node& root) {
  EnvironmentFileSettings settings;
  auto node = root.find("environmentFiles");
  if (!node) return settings;
  TRY(node->only({"buckets", "s3"}));
  if (auto buckets = node->find("buckets")) {
    for (const auto& [bucket, directory] : TRY(buckets->as_string_map())) {
      if (directory.empty() || directory.front() != '/') {
        return fail(Errc::kInvalid, "environmentFiles.buckets.{}: \"{}\" is not an absolute path",
                    printable(bucket, kSettingShown), printable(directory, kSettingShown));
      }
      settings.buckets[bucket] = directory;
    }
  }
  if (settings.buckets.size() > kBucketsMax) {
    return fail(Errc::kInvalid, "environmentFiles.buckets: {} are more than {}",
                settings.buckets.size(), kBucketsMax);
  }
  auto s3 = node->find("s3");
  if (s3) settings.s3 = TRY(read_access(*s3));
  settings.ask_s3 = s3.has_value();
  return settings;
}

void render_secret_settings(const SecretSettings& settings, nlohmann::ordered_json& out) {
  if (settings.secrets_manager) {
    out["secrets"]["secretsManager"] = render_access(*settings.secrets_manager);
  }
  if (settings.parameters) out["secrets"]["ssm"] = render_access(*settings.parameters);
}

void render_environment_file_settings(const EnvironmentFileSettings& settings,
                                      nlohmann::ordered_json& out) {
  for (const auto& [bucket, directory] : settings.buckets) {
    out["environmentFiles"]["buckets"][bucket] = directory;
  }
  if (settings.ask_s3) out["environmentFiles"]["s3"] = render_access(settings.s3);
}

}  // namespace berth::agent
