#include "image/manifest.h"

#include "base/json.h"
#include "base/text.h"
#include "image/digest.h"

#include <algorithm>
#include <limits>

namespace berth::image {
namespace {

constexpr size_t kIndexManifestsMax = 1000;

bool is_index_type(std::string_view type) {
  return type == "application/vnd.oci.image.index.v1+json" ||
         type == "application/vnd.docker.distribution.manifest.list.v2+json";
}

bool is_foreign_type(std::string_view type) {
  return type.find(".foreign.") != std::string_view::npos ||
         type.find(".nondistributable.") != std::string_view::npos;
}

bool is_image_config_type(std::string_view type) {
  return type == "application/vnd.oci.image.config.v1+json" ||
         type == "application/vnd.docker.container.image.v1+json" || type.empty() ||
         type == "application/octet-stream";  // what docker 1.10 pushed
}

Result<Platform> parse_descriptor_platform(const json::Node& node) {
  return Platform{TRY(node.find_string("os")).value_or(""),
                  TRY(node.find_string("architecture")).value_or(""),
                  TRY(node.find_string("variant")).value_or("")};
}

Result<std::string> annotation(const json::Node& node, std::string_view name) {
  auto annotations = node.find("annotations");
  if (!annotations) return std::string();
  return TRY(annotations->find_string(name)).value_or("");
}

Result<std::vector<std::string>> parse_urls(const json::Node& node) {
  auto urls = TRY(node.find_strings("urls"));
  if (urls.size() > kUrlsMax) {
    return fail(Errc::kInvalid, "{}.urls: {} are more than {}", node.path(), urls.size(), kUrlsMax);
  }
  for (const std::string& url : urls) {
    size_t host = url.starts_with("http://") ? 7 : url.starts_with("https://") ? 8 : url.size();
    // libcurl would find the host of "https:///host/x", and whoever compares origins none.
    bool is_good = host < url.size() &&
                   std::string_view("/?#@:").find(url[host]) == std::string_view::npos &&
                   std::ranges::all_of(url, [](char c) { return c > ' ' && c < 127; });
    if (is_good) continue;
    return fail(Errc::kInvalid, "{}.urls: \"{}\" is neither http://HOST... nor https://HOST...",
                node.path(), printable(url, 300));
  }
  return urls;
}

Result<Descriptor> parse_descriptor(const json::Node& node) {
  Descriptor descriptor;
  descriptor.media_type = TRY(node.find_string("mediaType")).value_or("");
  descriptor.digest = TRY(node.string_at("digest"));
  if (!is_digest(descriptor.digest)) {
    return fail(Errc::kUnsupported, "{}.digest: \"{}\" is not a sha256 digest", node.path(),
                printable(descriptor.digest, 100));
  }
  json::Node size = TRY(node.at("size"));
  descriptor.size = TRY(size.as_u64());
  if (descriptor.size > kBlobMax) {
    return fail(Errc::kInvalid, "{}.size: {} is more than {} bytes", node.path(), descriptor.size,
                kBlobMax);
  }
  if (auto platform = node.find("platform")) {
    descriptor.platform = TRY(parse_descriptor_platform(*platform));
  }
  bool unknown = descriptor.platform && descriptor.platform->os == "unknown" &&
                 descriptor.platform->architecture == "unknown";
  std::string kind = TRY(annotation(node, "vnd.docker.reference.type"));
  descriptor.is_attestation = unknown || kind == "attestation-manifest";
  // By its type alone: others that have "urls" as well are in the registry all the same.
  descriptor.is_foreign = is_foreign_type(descriptor.media_type);
  if (descriptor.is_foreign) descriptor.urls = TRY(parse_urls(node));
  descriptor.ref_name = TRY(annotation(node, "org.opencontainers.image.ref.name"));
  descriptor.image_name = TRY(annotation(node, "io.containerd.image.name"));
  return descriptor;
}

Result<Index> parse_index(const json::Node& root) {
  Index index;
  auto manifests = TRY(root.find_array("manifests"));
  if (manifests.size() > kIndexManifestsMax) {
    return fail(Errc::kInvalid, "manifests: {} entries, more than {}", manifests.size(),
                kIndexManifestsMax);
  }
  for (const json::Node& node : manifests) index.manifests.push_back(TRY(parse_descriptor(node)));
  return index;
}

Result<Manifest> parse_image_manifest(const json::Node& root) {
  Manifest manifest;
  if (auto artifact = TRY(root.find_string("artifactType"))) {
    return fail(Errc::kUnsupported, "the manifest is an artefact ({}), not a container image",
                printable(*artifact, 100));
  }
  json::Node config = TRY(root.at("config"));
  manifest.config = TRY(parse_descriptor(config));
  if (!is_image_config_type(manifest.config.media_type)) {
    return fail(Errc::kUnsupported,
                "config.mediaType: \"{}\" is not that of a container image (an artefact?)",
                printable(manifest.config.media_type, 100));
  }
  if (manifest.config.size > kConfigMax) {
    return fail(Errc::kInvalid, "config.size: {} is more than {} bytes", manifest.config.size,
                kConfigMax);
  }
  auto layers = TRY(root.find_array("layers"));
  if (layers.size() > kLayersMax) {
    return fail(Errc::kUnsupported, "layers: {} layers, more than the {} that overlayfs stacks",
                layers.size(), kLayersMax);
  }
  for (const json::Node& node : layers) manifest.layers.push_back(TRY(parse_descriptor(node)));
  return manifest;
}

// Members of an object of objects: {"80/tcp": {}} gives 80/tcp.
Result<std::vector<std::string>> keys_of(const json::Node& node, std::string_view member) {
  std::vector<std::string> keys;
  auto object = node.find(member);
  if (!object) return keys;
  for (auto& [key, value] : TRY(object->as_object())) keys.push_back(key);
  return keys;
}

Status parse_process(const json::Node& node, ImageConfig& config) {
  config.entrypoint = TRY(node.find_strings("Entrypoint"));
  config.cmd = TRY(node.find_strings("Cmd"));
  config.env = TRY(node.find_strings("Env"));
  config.user = TRY(node.find_string("User")).value_or("");
  config.working_dir = TRY(node.find_string("WorkingDir")).value_or("");
  config.stop_signal = TRY(node.find_string("StopSignal")).value_or("");
  config.exposed_ports = TRY(keys_of(node, "ExposedPorts"));
  config.volumes = TRY(keys_of(node, "Volumes"));
  if (auto labels = node.find("Labels")) config.labels = TRY(labels->as_string_map());
  for (const std::string& variable : config.env) {
    if (variable.find('=') == std::string::npos || variable.starts_with('=')) {
      return fail(Errc::kInvalid, "{}.Env: \"{}\" is not of the form NAME=VALUE", node.path(),
                  printable(variable, 100));
    }
  }
  return {};
}

Result<json::Document> parse_document(std::string_view text, std::string name, size_t max) {
  return json::Document::parse(text, {.name = std::move(name), .text_max = max});
}

}  // namespace

Result<ParsedManifest> parse_manifest(std::string_view text, std::string_view media_type) {
  json::Document document = TRY(parse_document(text, "manifest", kManifestMax));
  json::Node root = document.root();
  if (!root.is_object()) return fail(Errc::kInvalid, "manifest: is not a JSON object");
  auto version = TRY(root.find_i64("schemaVersion"));
  if (version == 1 || media_type.starts_with("application/vnd.docker.distribution.manifest.v1+")) {
    return fail(Errc::kUnsupported,
                "the manifest is of Docker's schema 1, which is obsolete and not supported; push "
                "the image again with a current tool");
  }
  if (version != 2) return fail(Errc::kInvalid, "manifest: schemaVersion must be 2");
  std::string type = TRY(root.find_string("mediaType")).value_or(std::string(media_type));
  bool has_manifests = root.find("manifests").has_value();
  bool has_config = root.find("config").has_value();
  if (has_manifests && has_config) {
    // One document that is both would be read differently by different tools (CVE-2021-41190).
    return fail(Errc::kInvalid, "manifest: has both \"manifests\" and \"config\"");
  }
  if (is_index_type(type) || has_manifests) {
    if (has_config) return fail(Errc::kInvalid, "manifest: an index must not have \"config\"");
    return ParsedManifest(TRY(parse_index(root)));
  }
  return ParsedManifest(TRY(parse_image_manifest(root)));
}

std::optional<std::string> media_type_of(std::string_view text) {
  auto document = parse_document(text, "manifest", kManifestMax);
  if (!document) return std::nullopt;
  auto type = document->root().find_string("mediaType");
  return type ? *type : std::nullopt;
}

Result<ImageConfig> parse_config(std::string_view text, size_t layers) {
  json::Document document = TRY(parse_document(text, "image config", kConfigMax));
  json::Node root = document.root();
  ImageConfig config;
  config.architecture = TRY(root.find_string("architecture")).value_or("");
  config.os = TRY(root.find_string("os")).value_or("");
  config.variant = TRY(root.find_string("variant")).value_or("");
  if (auto process = root.find("config")) TRY(parse_process(*process, config));
  json::Node rootfs = TRY(root.at("rootfs"));
  config.diff_ids = TRY(rootfs.find_strings("diff_ids"));
  for (const std::string& diff_id : config.diff_ids) {
    if (!is_digest(diff_id)) {
      return fail(Errc::kUnsupported,
                  "image config: rootfs.diff_ids: \"{}\" is not a sha256 digest",
                  printable(diff_id, 100));
    }
  }
  if (config.diff_ids.size() != layers) {
    return fail(Errc::kInvalid,
                "image config: rootfs.diff_ids has {} entries but the manifest has {} layers",
                config.diff_ids.size(), layers);
  }
  return config;
}

Result<Descriptor> choose(const Index& index, const Platform& host) {
  const Descriptor* best = nullptr;
  int best_rank = std::numeric_limits<int>::max();
  std::vector<std::string> offered;
  for (const Descriptor& candidate : index.manifests) {
    if (candidate.is_attestation) continue;
    if (!candidate.platform) {  // an index of one image need not say
      if (best == nullptr) best = &candidate;
      continue;
    }
    offered.push_back(candidate.platform->to_string());
    auto rank = match(host, *candidate.platform);
    if (rank && *rank < best_rank) {
      best = &candidate;
      best_rank = *rank;
    }
  }
  if (best != nullptr) return *best;
  return fail(Errc::kNotFound, "no image for platform {}; there are: {}", host.to_string(),
              offered.empty() ? "none" : printable(join(offered, ", "), 1000));
}

std::vector<std::string> chain_ids(const std::vector<std::string>& diff_ids) {
  std::vector<std::string> chain;
  chain.reserve(diff_ids.size());
  for (const std::string& diff_id : diff_ids) {
    chain.push_back(chain.empty() ? diff_id : digest_of(chain.back() + " " + diff_id));
  }
  return chain;
}

}  // namespace berth::image
