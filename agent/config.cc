#include "agent/config.h"

#include "agent/security_groups.h"
#include "agent/subnet_settings.h"
#include "aws/endpoint.h"
#include "base/json.h"
#include "base/text.h"
#include "sys/file.h"

#include <nlohmann/json.hpp>

namespace berth::agent {
namespace {

constexpr size_t kAccountDigits = 12;
constexpr uint64_t kHealthySecondsMax = 3600;
constexpr uint64_t kPidsMin = 8;  // fewer do not even start a container
constexpr uint64_t kPidsMax = 4194304;
constexpr uint64_t kPortMax = 65535;
constexpr uint64_t kMinutesMax = 10 * 366 * 24 * 60;
constexpr uint64_t kImagesPerCycleMax = 10000;

Status read_absolute_path(const json::Node& root, std::string_view key, std::string& into) {
  auto path = TRY(root.find_string(key));
  if (!path) return {};
  if (path->empty() || path->front() != '/') {
    return fail(Errc::kInvalid, "{}: \"{}\" is not an absolute path", root.find(key)->path(),
                printable(*path, 200));
  }
  into = *path;
  return {};
}

Status read_account(const json::Node& root, std::string& into) {
  auto text = TRY(root.find_string("accountId"));
  if (!text) return {};
  bool is_account =
      text->size() == kAccountDigits && text->find_first_not_of("0123456789") == std::string::npos;
  if (!is_account) {
    return fail(Errc::kInvalid, "accountId: \"{}\" is not {} digits", printable(*text, 40),
                kAccountDigits);
  }
  into = *text;
  return {};
}

Status read_listen(const json::Node& root, sys::TcpAddress& into) {
  auto text = TRY(root.find_string("listen"));
  if (text) into = TRY(parse_listen(*text, "listen"));
  return {};
}

Result<AwsConfig> read_aws(const json::Node& root) {
  AwsConfig config;
  auto node = root.find("aws");
  if (!node) return config;
  TRY(node->only({"profile", "ecrEndpoint"}));
  config.profile = TRY(node->find_string("profile")).value_or("");
  config.ecr_endpoint = TRY(node->find_string("ecrEndpoint")).value_or("");
  if (config.ecr_endpoint.empty()) return config;
  auto url = aws::parse_url(config.ecr_endpoint);
  if (!url) return wrap(std::move(url).error(), "aws.ecrEndpoint");
  return config;
}

Result<uint64_t> read_in_range(const json::Node& root, std::string_view key, uint64_t fallback,
                               uint64_t low, uint64_t high) {
  auto value = TRY(root.find_u64(key));
  if (!value) return fallback;
  if (*value < low || *value > high) {
    return fail(Errc::kInvalid, "{}: {} is not between {} and {}", root.find(key)->path(), *value,
                low, high);
  }
  return *value;
}

Result<ImageCleanup> read_image_cleanup(const json::Node& root) {
  ImageCleanup cleanup;
  auto node = root.find("imageCleanup");
  if (!node) return cleanup;
  TRY(node->only({"enabled", "intervalMinutes", "minimumAgeMinutes", "imagesPerCycle",
                  "unusedForMinutes", "highBytes", "lowBytes"}));
  cleanup.enabled = TRY(node->find_bool("enabled")).value_or(false);
  cleanup.interval_minutes =
      TRY(read_in_range(*node, "intervalMinutes", cleanup.interval_minutes, 0, kMinutesMax));
  cleanup.minimum_age_minutes =
      TRY(read_in_range(*node, "minimumAgeMinutes", cleanup.minimum_age_minutes, 0, kMinutesMax));
  cleanup.images_per_cycle =
      TRY(read_in_range(*node, "imagesPerCycle", cleanup.images_per_cycle, 1, kImagesPerCycleMax));
  cleanup.unused_for_minutes = TRY(read_in_range(*node, "unusedForMinutes", 0, 0, kMinutesMax));
  cleanup.high_bytes = TRY(node->find_u64("highBytes")).value_or(0);
  cleanup.low_bytes = TRY(node->find_u64("lowBytes")).value_or(cleanup.high_bytes);
  if (cleanup.low_bytes > cleanup.high_bytes) {
    return fail(Errc::kInvalid, "imageCleanup.lowBytes: {} is above highBytes, which is {}",
                cleanup.low_bytes, cleanup.high_bytes);
  }
  return cleanup;
}

Status read_layers(json::Node root, bool& as_directories) {
  auto layers = TRY(root.find_string("layers")).value_or("images");
  as_directories = layers == "directories";
  if (as_directories || layers == "images") return {};
  return fail(Errc::kInvalid, "layers: \"{}\" is neither \"images\" nor \"directories\"",
              printable(layers, 100));
}

nlohmann::ordered_json render_image_cleanup(const ImageCleanup& cleanup) {
  return {{"enabled", cleanup.enabled},
          {"intervalMinutes", cleanup.interval_minutes},
          {"minimumAgeMinutes", cleanup.minimum_age_minutes},
          {"imagesPerCycle", cleanup.images_per_cycle},
          {"unusedForMinutes", cleanup.unused_for_minutes},
          {"highBytes", cleanup.high_bytes},
          {"lowBytes", cleanup.low_bytes}};
}

}  // namespace

Result<Config> parse_config(std::string_view text, const std::string& name) {
  auto document = TRY(json::Document::parse(text, {.name = name}));
  json::Node root = document.root();
  auto read = [&]() -> Result<Config> {
    Config config;
    TRY(root.only({"root",
                   "run",
                   "ociRuntime",
                   "shim",
                   "init",
                   "resolver",
                   "subnet",
                   "ipv6Subnet",
                   "region",
                   "accountId",
                   "taskPidsLimit",
                   "serviceHealthySeconds",
                   "insecureRegistries",
                   "registries",
                   "certificates",
                   "foreignLayers",
                   "layers",
                   "proxy",
                   "aws",
                   "efs",
                   "dns",
                   "imageCleanup",
                   "securityGroups",
                   "subnets",
                   "listen",
                   "roles",
                   "secrets",
                   "environmentFiles"}));
    TRY(read_absolute_path(root, "root", config.root));
    TRY(read_absolute_path(root, "run", config.run));
    TRY(read_absolute_path(root, "ociRuntime", config.oci_runtime));
    TRY(read_absolute_path(root, "shim", config.shim));
    TRY(read_absolute_path(root, "init", config.init));
    TRY(read_absolute_path(root, "resolver", config.resolver));
    config.subnet = TRY(root.find_string("subnet")).value_or(config.subnet);
    config.subnet6 = TRY(root.find_string("ipv6Subnet")).value_or(config.subnet6);
    config.region = TRY(root.find_string("region")).value_or(config.region);
    TRY(read_account(root, config.account_id));
    TRY(read_listen(root, config.listen));
    config.task_pids_limit =
        TRY(read_in_range(root, "taskPidsLimit", config.task_pids_limit, kPidsMin, kPidsMax));
    config.service_healthy_seconds = TRY(read_in_range(
        root, "serviceHealthySeconds", config.service_healthy_seconds, 0, kHealthySecondsMax));
    config.registries = TRY(read_registry_settings(root));
    TRY(read_layers(root, config.layers_as_directories));
    config.aws = TRY(read_aws(root));
    config.secrets = TRY(read_secret_settings(root));
    config.environment_files = TRY(read_environment_file_settings(root));
    config.efs = TRY(read_efs_settings(root));
    config.dns = TRY(read_dns_settings(root));
    config.roles = TRY(read_role_settings(root));
    config.image_cleanup = TRY(read_image_cleanup(root));
    config.security_groups = TRY(read_security_groups(root));
    config.subnets = TRY(read_subnet_settings(root, config.subnet));
    return config;
  };
  auto config = read();
  if (!config) return wrap(std::move(config).error(), "{}", name);
  return config;
}

Result<sys::TcpAddress> parse_listen(const std::string& text, const std::string& name) {
  size_t colon = text.rfind(':');
  auto address = parse_ipv4(std::string_view(text).substr(0, colon));
  auto port = parse_u64(colon == std::string::npos ? "" : text.substr(colon + 1));
  if (!address || !port || *port > kPortMax) {
    return fail(Errc::kInvalid, "{}: \"{}\" is not ADDRESS:PORT, such as \"{}\"", name,
                printable(text, 200), render_listen(kDefaultListen));
  }
  return sys::TcpAddress{*address, static_cast<uint16_t>(*port)};
}

std::string render_listen(sys::TcpAddress address) {
  return fmt::format("{}:{}", to_string(address.address), address.port);
}

std::string render_config(const Config& config) {
  nlohmann::ordered_json out = {
      {"root", config.root},
      {"run", config.run},
      {"ociRuntime", config.oci_runtime},
      {"shim", config.shim},
      {"init", config.init},
      {"resolver", config.resolver},
      {"subnet", config.subnet},
      {"region", config.region},
      {"accountId", config.account_id},
      {"listen", render_listen(config.listen)},
      {"taskPidsLimit", config.task_pids_limit},
      {"serviceHealthySeconds", config.service_healthy_seconds},
      {"layers", config.layers_as_directories ? "directories" : "images"}};
  if (!config.subnet6.empty()) out["ipv6Subnet"] = config.subnet6;
  render_registry_settings(config.registries, out);
  out["imageCleanup"] = render_image_cleanup(config.image_cleanup);
  render_security_groups(config.security_groups, out);
  render_subnet_settings(config.subnets, out);
  if (!config.aws.profile.empty()) out["aws"]["profile"] = config.aws.profile;
  if (!config.aws.ecr_endpoint.empty()) out["aws"]["ecrEndpoint"] = config.aws.ecr_endpoint;
  render_role_settings(config.roles, out);
  render_secret_settings(config.secrets, out);
  render_environment_file_settings(config.environment_files, out);
  render_efs_settings(config.efs, out);
  render_dns_settings(config.dns, out);
  for (const char* key : {"ociRuntime", "shim", "init", "resolver"}) {
    if (out[key].get_ref<const std::string&>().empty())
      out.erase(key);  // not known, and "" is no path
  }
  // A path on the command line need not be UTF-8.
  return out.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

std::string instance_of(const std::string& run) {
  if (run == Config{}.run) return "default";
  // FNV-1a: stable across builds, which std::hash need not be.
  uint32_t hash = 2166136261u;
  for (unsigned char c : run) hash = (hash ^ c) * 16777619u;
  return fmt::format("i{:08x}", hash);
}

std::string bridge_of(const std::string& instance) {
  return instance == instance_of(Config{}.run) ? "berth0" : "br-" + instance;
}

Result<std::string> sibling_program(const std::string& name) {
  std::string self = TRY(sys::read_link("/proc/self/exe"));
  std::string path = self.substr(0, self.rfind('/') + 1) + name;
  if (!sys::exists(path)) {
    return fail(Errc::kNotFound, "{}: not installed beside {}", name, self);
  }
  return path;
}

}  // namespace berth::agent
