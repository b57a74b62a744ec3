#include "image/content.h"

#include "image/decompress.h"
#include "image/digest.h"
#include "image/stream.h"
#include "sys/file.h"

#include <fcntl.h>

#include <algorithm>
#include <limits>
#include <span>
#include <utility>

namespace berth::image {
namespace {

constexpr const char* kOciManifest = "application/vnd.oci.image.manifest.v1+json";
constexpr const char* kOciIndex = "application/vnd.oci.image.index.v1+json";

enum class Missing { kAllowed, kRefused };

// The store's blobs were checked when they came in: there is nothing to guard against.
constexpr DecompressLimits kNoLimits = {std::numeric_limits<uint64_t>::max(),
                                        std::numeric_limits<uint64_t>::max(),
                                        std::numeric_limits<uint64_t>::max()};

// Plain bytes on their way into a file, hashed.
class FileOutput final : public Output {
 public:
  explicit FileOutput(int fd) : fd_(fd) {}
  Result<std::span<char>> room() override { return std::span<char>(buffer_); }
  Status commit(size_t size) override {
    std::string_view bytes(buffer_.data(), size);
    hash_.update(bytes);
    return sys::write_all(fd_, bytes);
  }
  std::string finish() { return hash_.finish(); }

 private:
  int fd_;
  Sha256 hash_;
  std::string buffer_ = std::string(kReadChunk, '\0');
};

class Gatherer {
 public:
  Gatherer(const Store& store, Missing missing) : store_(store), missing_(missing) {}

  Status add_manifest(const std::string& digest, int depth) {
    if (depth > kIndexDepthMax) return fail(Errc::kUnsupported, "indexes nested too deep");
    std::string bytes = TRY(store_.read_blob(digest));
    auto parsed = TRY(parse_manifest(bytes, ""));
    Descriptor self;
    self.digest = digest;
    self.size = bytes.size();
    if (const auto* index = std::get_if<Index>(&parsed)) {
      for (const Descriptor& child : index->manifests) TRY(add_manifest(child.digest, depth + 1));
    } else {
      TRY(add_blobs(std::get<Manifest>(parsed)));
    }
    self.media_type = media_type_of(bytes).value_or(
        std::holds_alternative<Index>(parsed) ? kOciIndex : kOciManifest);
    content.manifests.push_back({std::move(self), std::move(bytes)});
    return {};
  }

  Content content;

 private:
  Status add_blobs(const Manifest& manifest) {
    for (const Descriptor& layer : manifest.layers) {
      if (!layer.is_foreign) TRY(add_blob(layer));
    }
    return add_blob(manifest.config);
  }

  Status add_blob(const Descriptor& blob) {
    if (missing_ == Missing::kRefused && !store_.has_blob(blob.digest)) {
      return fail(Errc::kNotFound, "blob {} is not in the store", blob.digest);
    }
    bool is_known = std::ranges::any_of(
        content.blobs, [&](const Descriptor& known) { return known.digest == blob.digest; });
    if (!is_known) content.blobs.push_back(blob);
    return {};
  }

  const Store& store_;
  Missing missing_;
};

Result<std::vector<std::string>> diff_ids_of(const Store& store, const ImageRecord& record) {
  std::string config = TRY(store.read_blob(record.config_digest));
  return TRY(parse_config(config, record.layers.size())).diff_ids;
}

}  // namespace

Result<Manifest> manifest_of(const Store& store, const ImageRecord& record) {
  auto parsed = TRY(parse_manifest(TRY(store.read_blob(record.manifest_digest)), ""));
  if (auto* manifest = std::get_if<Manifest>(&parsed)) return std::move(*manifest);
  return fail(Errc::kCorrupt, "{} is an index, not a manifest", record.manifest_digest);
}

Result<Content> content_of(const Store& store, const ImageRecord& record) {
  Gatherer whole(store, Missing::kRefused);
  if (whole.add_manifest(record.resolved_digest, 0)) return std::move(whole.content);
  Gatherer platform(store, Missing::kAllowed);
  TRY(platform.add_manifest(record.manifest_digest, 0));
  return std::move(platform.content);
}

Result<std::optional<std::string>> find_layer_blob(const Store& store, const std::string& diff_id) {
  for (const ImageRecord& record : TRY(store.list())) {
    auto manifest = manifest_of(store, record);
    auto diff_ids = diff_ids_of(store, record);
    if (!manifest || !diff_ids || manifest->layers.size() != diff_ids->size()) continue;  // damaged
    for (size_t i = 0; i < diff_ids->size(); ++i) {
      const std::string& blob = manifest->layers[i].digest;
      if ((*diff_ids)[i] == diff_id && store.has_blob(blob)) return std::optional(blob);
    }
  }
  return std::optional<std::string>();
}

Status inflate_blob(const Store& store, const std::string& blob, const std::string& diff_id,
                    const std::string& file) {
  sys::Fd from = TRY(sys::open(store.blob_path(blob), O_RDONLY));
  sys::Fd to = TRY(sys::create(file, O_WRONLY | O_EXCL, 0600));
  FileOutput output(to.get());
  Decompressor decompressor(kNoLimits, output);
  std::string buffer(kReadChunk, '\0');
  while (size_t got = TRY(sys::read_some(from.get(), buffer.data(), buffer.size()))) {
    TRY(decompressor.write({buffer.data(), got}));
  }
  TRY(decompressor.finish());
  std::string found = output.finish();
  if (found == diff_id) return {};
  return fail(Errc::kCorrupt, "blob {} in the store is damaged: it holds layer {}, not {}", blob,
              found, diff_id);
}

Status restore_layer_blobs(Store& store, const ImageRecord& record) {
  Manifest manifest = TRY(manifest_of(store, record));
  std::vector<std::string> diff_ids = TRY(diff_ids_of(store, record));
  for (size_t i = 0; i < std::min(diff_ids.size(), manifest.layers.size()); ++i) {
    const std::string& wanted = manifest.layers[i].digest;
    if (store.has_blob(wanted) || wanted != diff_ids[i]) continue;
    auto other = TRY(find_layer_blob(store, diff_ids[i]));
    if (!other) continue;
    Scratch scratch = TRY(store.make_scratch());
    std::string file = scratch.path() + "/blob";
    TRY(inflate_blob(store, *other, diff_ids[i], file));
    TRY(store.commit_blob(file, wanted));
  }
  return {};
}

}  // namespace berth::image
