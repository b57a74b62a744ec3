#include "image/puller.h"

#include "base/log.h"
#include "base/text.h"
#include "image/digest.h"
#include "image/foreign.h"
#include "image/layer_pull.h"
#include "image/lookup.h"
#include "image/open_source.h"
#include "image/source.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace berth::image {
namespace {

Status verify(const Descriptor& descriptor, std::string_view bytes, std::string_view what) {
  std::string found = digest_of(bytes);
  if (found == descriptor.digest) return {};
  return fail(Errc::kCorrupt, "{} {}: the bytes have digest {}", what, descriptor.digest, found);
}

// The store's, unless it has none or a damaged one. Written to the store by who could parse it.
Result<std::string> fetch_manifest(const Store& store, Source& source,
                                   const Descriptor& descriptor) {
  if (auto kept = store.read_blob(descriptor.digest)) return kept;
  std::string bytes = TRY(source.manifest(descriptor));
  TRY(verify(descriptor, bytes, "manifest"));
  return bytes;
}

Result<std::string> fetch_config(const Store& store, Source& source, const Descriptor& descriptor) {
  if (auto kept = store.read_blob(descriptor.digest)) return kept;
  std::string bytes;
  TRY(source.blob(descriptor, [&](std::string_view more) -> Status {
    if (bytes.size() + more.size() > kConfigMax) {
      return fail(Errc::kExhausted, "config {}: longer than {} bytes", descriptor.digest,
                  kConfigMax);
    }
    bytes += more;
    return {};
  }));
  TRY(verify(descriptor, bytes, "config"));
  return bytes;
}

struct Chosen {
  std::string manifest_digest;
  Manifest manifest;
  ImageConfig config;
};

Status check_platform(const ImageConfig& config, const Platform& wanted) {
  if (config.architecture.empty()) return {};
  Platform offered{config.os.empty() ? "linux" : config.os, config.architecture, config.variant};
  if (match(wanted, offered)) return {};
  return fail(Errc::kNotFound, "the image is for {}, not for {}", normalize(offered).to_string(),
              wanted.to_string());
}

Status check_layers(const Manifest& manifest, ForeignLayers rule) {
  if (rule == ForeignLayers::kFetch) return {};
  for (const Descriptor& layer : manifest.layers) {
    if (!layer.is_foreign) continue;
    return fail(Errc::kUnsupported,
                "layer {} is foreign (its bytes are at an address in the manifest, not in the "
                "registry), and foreignLayers in berth.json is \"refuse\"",
                layer.digest);
  }
  return {};
}

Result<Chosen> choose_image(Store& store, Source& source, Descriptor descriptor,
                            const Platform& platform, ForeignLayers foreign) {
  for (int depth = 0; depth < kIndexDepthMax; ++depth) {
    std::string text = TRY(fetch_manifest(store, source, descriptor));
    ParsedManifest parsed = TRY(parse_manifest(text, descriptor.media_type));
    TRY(store.write_blob(text));
    if (const auto* index = std::get_if<Index>(&parsed)) {
      descriptor = TRY(choose(*index, platform));
      continue;
    }
    Chosen chosen{descriptor.digest, std::get<Manifest>(std::move(parsed)), {}};
    TRY(check_layers(chosen.manifest, foreign));
    std::string config = TRY(fetch_config(store, source, chosen.manifest.config));
    chosen.config = TRY(parse_config(config, chosen.manifest.layers.size()));
    TRY(check_platform(chosen.config, platform));
    TRY(store.write_blob(config));
    return chosen;
  }
  return fail(Errc::kUnsupported, "indexes nested deeper than {}", kIndexDepthMax);
}

bool is_registry(const Reference& reference) {
  return reference.transport == Transport::kRegistry;
}

int64_t now_seconds(Env env) {
  auto since = env.clock.wall().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(since).count();
}

Result<Image> use_image(const Store& store, const ImageRecord& known, Env env) {
  Image image = TRY(load_image(store, known));
  auto marked = store.mark_used(known, env.clock.wall());
  if (!marked) LOG(kWarn, "time of the last use is not kept", {{"why", marked.error().text}});
  return image;
}

// A record of the reference, or of another tag of its repository with the digest that it wants:
// content that is named by its digest needs nobody's word.
Result<std::optional<ImageRecord>> find_known(const Store& store, const Reference& reference,
                                              const std::string& platform) {
  auto known = TRY(store.find(reference.to_string()));
  if (!known && !reference.digest.empty()) {
    Reference repository = reference;
    repository.tag.clear();
    auto same = find_records(TRY(store.list()), repository.to_string());
    if (same) known = TRY(store.find(same->front().reference));
  }
  if (known && known->platform != platform) known.reset();
  return known;
}

enum class Origin { kElsewhere, kThisHost };

Result<Image> take_image(Store& store, const PullerConfig& config, Env env,
                         const Puller::Request& request, Source& source, Origin origin) {
  std::string name = request.reference.to_string();
  Platform platform = normalize(request.platform);
  auto known = TRY(store.find(name));
  Descriptor resolved = TRY(source.resolve());
  bool is_known =
      known && known->platform == platform.to_string() && known->resolved_digest == resolved.digest;
  if (is_known) return use_image(store, *known, env);
  Chosen chosen =
      TRY(choose_image(store, source, resolved, platform, config.registry.foreign_layers));
  ForeignSource with_foreign(source, config.registry, env, request.cancel);
  LayerPull layers(store, with_foreign, {config, env, request, chosen.manifest, chosen.config});
  TRY(layers.run());
  ImageRecord record{name,
                     resolved.digest,
                     chosen.manifest_digest,
                     chosen.manifest.config.digest,
                     platform.to_string(),
                     layers.chain(),
                     0,
                     origin == Origin::kThisHost,
                     now_seconds(env)};
  for (const Descriptor& layer : chosen.manifest.layers) record.size += layer.size;
  TRY(store.record(record));
  return load_image(store, record);
}

Result<Image> pull_image(Store& store, const PullerConfig& config, Env env,
                         const Puller::Request& request) {
  const Reference& reference = request.reference;
  auto known = TRY(find_known(store, reference, normalize(request.platform).to_string()));
  // A digest means one image for ever. Local sources are always looked at: that costs next to
  // nothing.
  bool is_enough = request.policy == Policy::kIfMissing || !reference.digest.empty();
  if (known && is_enough && is_registry(reference)) {
    Image image = TRY(use_image(store, *known, env));
    image.reference = reference.to_string();
    return image;
  }
  OpenSource opened = TRY(open_source(store, config, env, {reference, request.cancel}));
  return take_image(store, config, env, request, *opened.source, Origin::kElsewhere);
}

}  // namespace

Puller::Puller(Store& store, PullerConfig config, Env env)
    : store_(store), config_(std::move(config)), env_(env) {}

Result<Image> Puller::pull(const Request& request) {
  sys::Fd lock = TRY(store_.lock_for_pull());
  auto image = pull_image(store_, config_, env_, request);
  if (image) return image;
  // A registry's failures name it already, in the words of Amazon's agent.
  std::string name = request.reference.to_string();
  bool is_named = image.error().text.find(name) != std::string::npos;
  if (is_named) return tl::unexpected<Error>(std::move(image).error());
  return wrap(std::move(image).error(), "pull {}", name);
}

Result<Image> Puller::take_in(Source& source, const Request& request) {
  sys::Fd lock = TRY(store_.lock_for_pull());
  return take_image(store_, config_, env_, request, source, Origin::kThisHost);
}

Result<Image> load_image(const Store& store, const ImageRecord& record) {
  Image image;
  image.reference = record.reference;
  image.resolved_digest = record.resolved_digest;
  image.manifest_digest = record.manifest_digest;
  std::string config = TRY(store.read_blob(record.config_digest));
  image.config = TRY(parse_config(config, record.layers.size()));
  image.layers = record.layers;
  for (const std::string& layer : record.layers) {
    image.layer_trees.push_back(store.layer_tree(layer));
  }
  image.pin = TRY(store.pin(record.layers));
  for (const std::string& layer : record.layers) {
    auto made = store.read_layer_record(layer);
    if (!made) continue;  // damaged: `berth system check` says so; the layer itself may do
    raise_to(image.owner.uid, made->owner.uid);
    raise_to(image.owner.gid, made->owner.gid);
  }
  return image;
}

}  // namespace berth::image
