#include "image/pusher.h"

#include "base/text.h"
#include "image/content.h"
#include "image/digest.h"
#include "image/endpoint.h"
#include "image/session.h"
#include "image/upload.h"

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <utility>
#include <vector>

namespace berth::image {
namespace {

constexpr size_t kMountRepositoriesMax = 10;  // a token is asked for with all of them

// A manifest, from memory.
class Bytes final : public ByteSource {
 public:
  explicit Bytes(const std::string& bytes) : bytes_(bytes) {}
  Result<std::string_view> read() override {
    return std::exchange(is_read_, true) ? std::string_view() : std::string_view(bytes_);
  }

 private:
  const std::string& bytes_;
  bool is_read_ = false;
};

// Blob -> repositories of the destination's registry that gave it to us or got it from us.
using Holders = std::map<std::string, std::vector<std::string>>;

Result<Holders> find_holders(const Store& store, const Reference& destination,
                             const std::vector<Descriptor>& blobs) {
  Holders holders;
  std::set<std::string> repositories;
  for (const ImageRecord& record : TRY(store.list())) {
    auto name = Reference::parse(record.reference);
    bool is_near = name && !record.imported && name->transport == Transport::kRegistry &&
                   name->registry == destination.registry &&
                   name->repository != destination.repository;
    if (!is_near || repositories.size() >= kMountRepositoriesMax) continue;
    auto content = content_of(store, record);
    if (!content) continue;  // damaged: it says nothing
    for (const Descriptor& blob : content->blobs) {
      bool is_wanted = std::ranges::any_of(
          blobs, [&](const Descriptor& wanted) { return wanted.digest == blob.digest; });
      if (!is_wanted) continue;
      auto& from = holders[blob.digest];
      if (std::ranges::find(from, name->repository) == from.end()) from.push_back(name->repository);
      repositories.insert(name->repository);
    }
  }
  return holders;
}

// The destination first, then those to mount from.
std::vector<std::string> scopes_of(const Reference& destination, const Holders& holders) {
  std::set<std::string> others;
  for (const auto& [blob, repositories] : holders) {
    others.insert(repositories.begin(), repositories.end());
  }
  std::vector<std::string> scopes = {"repository:" + destination.repository + ":pull,push"};
  for (const std::string& other : others) scopes.push_back("repository:" + other + ":pull");
  return scopes;
}

// All blobs of one image, a few at a time.
class BlobPush {
 public:
  BlobPush(const Store& store, RegistrySession& session, const PullerConfig& config, Env env,
           const Pusher::Request& request, const Content& content, const Holders& holders)
      : store_(store),
        session_(session),
        config_(config),
        env_(env),
        request_(request),
        content_(content),
        holders_(holders) {}

  Status run() {
    for (const Descriptor& blob : content_.blobs) {
      report({blob.digest, Phase::kWaiting, 0, blob.size});
    }
    std::vector<std::thread> threads;
    size_t count = std::min(config_.workers, content_.blobs.size());
    for (size_t i = 0; i < count; ++i) threads.emplace_back([this] { work(); });
    for (std::thread& thread : threads) thread.join();
    return result_;
  }

 private:
  void work() {
    while (const Descriptor* blob = next()) {
      Status sent = send(*blob);
      std::lock_guard lock(mutex_);
      if (!sent && result_) result_ = wrap(sent.error(), "blob {}", blob->digest);
    }
  }

  const Descriptor* next() {
    std::lock_guard lock(mutex_);
    if (!result_ || next_ == content_.blobs.size()) return nullptr;
    return &content_.blobs[next_++];
  }

  Status send(const Descriptor& blob) {
    UploadRequest upload;
    upload.blob = blob;
    if (store_.has_blob(blob.digest)) upload.file = store_.blob_path(blob.digest);
    if (auto found = holders_.find(blob.digest); found != holders_.end()) {
      upload.mount_from = found->second;
    }
    Instant reported{};
    upload.on_bytes = [&, this](uint64_t bytes) -> Status {
      TRY(check_stop());
      Instant now = env_.clock.now();
      if (now - reported >= kProgressEvery) {
        reported = now;
        report({blob.digest, Phase::kUploading, bytes, blob.size});
      }
      return {};
    };
    Uploaded uploaded = TRY(upload_blob(session_, upload, config_.registry.attempts));
    Phase phase = uploaded == Uploaded::kSent ? Phase::kDone : Phase::kExists;
    report({blob.digest, phase, blob.size, blob.size});
    return {};
  }

  Status check_stop() {
    if (request_.cancel != nullptr && request_.cancel->is_cancelled()) {
      return fail(Errc::kCancelled, "cancelled");
    }
    std::lock_guard lock(mutex_);
    if (!result_) return fail(Errc::kCancelled, "another blob failed");
    return {};
  }

  void report(const Progress& progress) {
    if (!request_.progress) return;
    std::lock_guard lock(report_mutex_);
    request_.progress(progress);
  }

  const Store& store_;
  RegistrySession& session_;
  const PullerConfig& config_;
  Env env_;
  const Pusher::Request& request_;
  const Content& content_;
  const Holders& holders_;
  std::mutex report_mutex_;

  std::mutex mutex_;  // of what follows
  size_t next_ = 0;
  Status result_;  // the first failure
};

// To a tag, or to its digest.
Status put_manifest(RegistrySession& session, const ManifestContent& manifest,
                    const std::string& name, int attempts) {
  RegistryRequest put{Method::kPut, "/manifests/" + name};
  put.headers = {{"Content-Type", manifest.descriptor.media_type}};
  put.body.size = manifest.bytes.size();
  put.body.open = [&]() -> Result<std::unique_ptr<ByteSource>> {
    return std::unique_ptr<ByteSource>(std::make_unique<Bytes>(manifest.bytes));
  };
  for (int failures = 1;; ++failures) {
    auto answer = session.perform(put);
    bool is_good = answer && answer->status >= 200 && answer->status < 300;
    if (is_good) {
      std::string digest = answer->header("docker-content-digest");
      if (digest.empty() || digest == manifest.descriptor.digest) return {};
      return fail(Errc::kCorrupt, "manifest {}: the registry took it for {}",
                  manifest.descriptor.digest, printable(digest, 100));
    }
    Error error = answer ? push_error(session, *answer, put) : std::move(answer).error();
    if (error.code != Errc::kUnavailable || failures >= attempts) {
      return wrap(std::move(error), "manifest {}", manifest.descriptor.digest);
    }
    TRY(session.wait_before_retry(failures, answer ? &*answer : nullptr));
  }
}

// The registry has it now: from here on its word counts.
Status note_pushed(Store& store, const ImageRecord& image, const Reference& destination) {
  if (!image.imported || image.reference != destination.to_string()) return {};
  ImageRecord pushed = image;
  pushed.imported = false;
  return store.record(pushed);
}

Result<std::string> push_image(Store& store, const PullerConfig& config, Env env,
                               const Pusher::Request& request) {
  const Reference& destination = request.destination;
  TRY(restore_layer_blobs(store, request.image));
  Content content = TRY(content_of(store, request.image));
  const std::string& digest = content.top().descriptor.digest;
  if (!destination.digest.empty() && destination.digest != digest) {
    return fail(Errc::kInvalid, "the image's digest is {}, not {}", digest, destination.digest);
  }
  Holders holders = TRY(find_holders(store, destination, content.blobs));
  RegistrySession session(
      origin_endpoint(destination.registry, config.registry.insecure_registries),
      destination.repository, scopes_of(destination, holders), config.registry, env,
      request.cancel);
  // Alone, so that scheme and token are known before the workers begin. What it answers, they hear.
  (void)session.perform({Method::kHead, "/manifests/" + destination.tag_or_digest()});
  TRY(BlobPush(store, session, config, env, request, content, holders).run());
  for (const ManifestContent& manifest : content.manifests) {
    bool is_top = &manifest == &content.top();
    bool is_tagged = is_top && !destination.tag.empty();
    TRY(put_manifest(session, manifest, is_tagged ? destination.tag : manifest.descriptor.digest,
                     config.registry.attempts));
  }
  TRY(note_pushed(store, request.image, destination));
  return digest;
}

}  // namespace

Pusher::Pusher(Store& store, PullerConfig config, Env env)
    : store_(store), config_(std::move(config)), env_(env) {}

Result<std::string> Pusher::push(const Request& request) {
  const Reference& destination = request.destination;
  if (destination.transport != Transport::kRegistry) {
    return fail(Errc::kInvalid,
                "push {}: is not a registry's name (REGISTRY/NAME:TAG); `berth save` "
                "writes archives and layouts",
                destination.to_string());
  }
  sys::Fd lock = TRY(store_.lock_for_pull());  // what we send is not garbage meanwhile
  auto digest = push_image(store_, config_, env_, request);
  if (!digest) return wrap(std::move(digest).error(), "push {}", destination.to_string());
  return digest;
}

}  // namespace berth::image
