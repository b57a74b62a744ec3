// Puller: the only orchestrator of image/. It brings an image from where its reference points
// (registry, layout or archive) into the store, unpacked, and says how to run it.
//
//   resolve   reference -> digest        nothing asked when kIfMissing finds it in the store; one
//                                        HEAD when the store has what the registry names
//   manifest  index -> this platform's manifest -> config     small blobs, verified
//   layers    two at a time, bottom first, each one a pipeline of three threads:
//               fetch > hash > keep blob > inflate   |bounded buffer| > hash
//                                                    |              | > untar > tmp/ (by two)
//             both digests right -> commit queue            (a wrong one: nothing is kept)
//   commit    beside them: one syncfs for all layers that are finished -> their renames
//   record    reference -> digests, atomically
//
// Blocking; call it on a worker. Safe to call from several threads and processes: layers that two
// pulls share are fetched once.
#pragma once

#include "base/env.h"
#include "base/result.h"
#include "image/cancel.h"
#include "image/credentials.h"
#include "image/manifest.h"
#include "image/platform.h"
#include "image/proxy.h"
#include "image/reference.h"
#include "image/store.h"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace berth::image {

// Layers whose bytes lie elsewhere than in the registry; see foreign.h.
enum class ForeignLayers { kFetch, kRefuse };

// How to speak to registries.
struct RegistryConfig {
  std::vector<std::string> insecure_registries;  // HOST[:PORT]; loopback needs no mention
  // Registry ("docker.io") -> who is asked before it, in this order; see parse_mirror(). A mirror
  // gets the credentials of its own name, never those of the registry.
  std::map<std::string, std::vector<std::string>> mirrors;
  std::vector<std::string> unverified_registries;  // HOST[:PORT] whose certificate may be any
  ProxySettings proxies;                           // nobody's: asked directly
  // Asked before all that follows: what is meant for this very pull.
  CredentialProviders given_credentials;
  // Directory of Docker's config.json with credentials; empty: $DOCKER_CONFIG, else ~/.docker.
  std::string docker_config;
  // Asked after that, in this order: an entry of the user's for the very registry goes first.
  CredentialProviders credential_providers;
  // As Docker and podman: DIRECTORY/HOST[:PORT]/ has authorities that are trusted for that registry
  // beside the system's, and the certificate that we show it; see trust.h.
  std::string certificates = "/etc/docker/certs.d";
  ForeignLayers foreign_layers = ForeignLayers::kFetch;
  Duration connect_timeout = std::chrono::seconds(15);
  // From the end of a request to the end of its answer's headers.
  Duration answer_timeout = std::chrono::seconds(60);
  // A transfer slower than 1 KiB per second for this long counts as dropped.
  Duration stall_timeout = std::chrono::seconds(30);
  int attempts = 5;  // of one request or, after progress, of one resumed transfer
  Duration backoff = std::chrono::milliseconds(250);  // first wait; doubles, with jitter
};

// What a hostile layer may cost us.
struct UnpackLimits {
  uint64_t layer_bytes_max = uint64_t{64} << 30;  // plain tar of one layer
  uint64_t ratio_max = 2000;  // plain : compressed, looked at beyond ratio_free_bytes
  uint64_t ratio_free_bytes = uint64_t{1} << 30;
  uint64_t entries_max = 10'000'000;
  uint64_t disk_reserve_bytes = uint64_t{64} << 20;  // left free on the store's file system
};

struct PullerConfig {
  RegistryConfig registry;
  UnpackLimits limits;
  // Layers at a time, besides those that wait for lower ones; a third gains nothing on two cores
  // (measured).
  size_t workers = 2;
  LayerFormat layers = LayerFormat::kImage;  // where they are usable
};

enum class Policy {
  kAlways,     // ask where the reference points; unreachable is an error
  kIfMissing,  // what the store has under this reference will do
};

enum class Phase { kWaiting, kDownloading, kUnpacking, kUploading, kDone, kExists };

struct Progress {
  std::string layer;  // digest of the compressed layer
  Phase phase = Phase::kWaiting;
  uint64_t bytes_done = 0;
  uint64_t bytes_total = 0;
};
constexpr Duration kProgressEvery = std::chrono::milliseconds(100);
// Called from worker threads, one call at a time, at most every kProgressEvery per layer besides
// changes of phase.
using ProgressSink = std::function<void(const Progress&)>;

struct Image {
  std::string reference;        // canonical
  std::string resolved_digest;  // of what the reference named: an index's or a manifest's
  std::string manifest_digest;
  ImageConfig config;
  std::vector<std::string> layers;       // chain ids, bottom first
  std::vector<std::string> layer_trees;  // directories or images, bottom first
  HighestOwner owner;                    // of all layers
  Pin pin;                               // keep it as long as the directories are used
};

class Source;

class Puller {
 public:
  // `store` and `env` are borrowed.
  Puller(Store& store, PullerConfig config, Env env);

  struct Request {
    Reference reference;
    Platform platform;
    Policy policy = Policy::kAlways;
    ProgressSink progress;     // may be empty
    Cancel* cancel = nullptr;  // borrowed, may be absent
  };
  // Errors name registry, repository and cause: kNotFound (no such image, or none for the
  // platform), kDenied (authentication), kUnavailable (unreachable), kCorrupt (digests, archives),
  // kExhausted (limits, disk), kCancelled.
  Result<Image> pull(const Request& request);

  // A pull from a source that is open already, recorded as `request.reference` and as made on this
  // host. The policy does not matter.
  Result<Image> take_in(Source& source, const Request& request);

 private:
  Store& store_;
  PullerConfig config_;
  Env env_;
};

// The image of a record in the store, pinned and ready to run.
Result<Image> load_image(const Store& store, const ImageRecord& record);

}  // namespace berth::image
