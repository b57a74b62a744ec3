// Manifests, indexes and image configurations: OCI image specification 1.1 and Docker's schema 2,
// from JSON to values. Pure.
#pragma once

#include "base/result.h"
#include "image/platform.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace berth::image {

constexpr size_t kManifestMax = 4 * 1024 * 1024;  // as the distribution specification
constexpr size_t kConfigMax = 8 * 1024 * 1024;
constexpr size_t kLayersMax = 500;  // overlayfs: OVL_MAX_STACK
constexpr int kIndexDepthMax = 3;   // an index may name indexes
constexpr size_t kUrlsMax = 16;     // of a foreign layer
constexpr uint64_t kBlobMax = uint64_t{256} << 30;

struct Descriptor {
  std::string media_type;
  std::string digest;  // "sha256:<64 hex>"
  uint64_t size = 0;
  std::optional<Platform> platform;  // in an index
  bool is_attestation = false;       // BuildKit's, or of platform unknown/unknown
  bool is_foreign = false;           // non-distributable: registries do not have to have it
  std::vector<std::string> urls;     // where it lies then: http or https
  std::string ref_name;              // annotation org.opencontainers.image.ref.name
  std::string image_name;            // annotation io.containerd.image.name: the whole name
};

struct Manifest {
  Descriptor config;
  std::vector<Descriptor> layers;  // bottom first
};

struct Index {
  std::vector<Descriptor> manifests;
};

using ParsedManifest = std::variant<Manifest, Index>;

struct ImageConfig {
  std::vector<std::string> entrypoint;
  std::vector<std::string> cmd;
  std::vector<std::string> env;  // "K=V"
  std::string user;              // as written: "", "0", "www-data:www-data"
  std::string working_dir;
  std::string stop_signal;                 // "SIGQUIT", "3" or empty
  std::vector<std::string> exposed_ports;  // "80/tcp"
  std::vector<std::pair<std::string, std::string>> labels;
  std::vector<std::string> volumes;  // paths inside
  std::string architecture;
  std::string os;
  std::string variant;
  std::vector<std::string> diff_ids;  // of the plain layer tars, bottom first
};

// `media_type` is the Content-Type or the descriptor's; the document's own mediaType wins. Errors:
// kInvalid for malformed text, kUnsupported for schema 1, artefacts and digests other than sha256.
Result<ParsedManifest> parse_manifest(std::string_view text, std::string_view media_type);

// The document's own mediaType; nothing when it has none or is malformed.
std::optional<std::string> media_type_of(std::string_view text);

// Errors: kInvalid, also when the number of diff_ids is not `layers`.
Result<ImageConfig> parse_config(std::string_view text, size_t layers);

// The one image of the index for `host`; attestations never match. kNotFound lists what there is.
Result<Descriptor> choose(const Index& index, const Platform& host);

// The chain ids of the layers, bottom first: a layer on its lower ones (OCI image-spec, config).
std::vector<std::string> chain_ids(const std::vector<std::string>& diff_ids);

}  // namespace berth::image
