#include "image/store.h"

#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "image/digest.h"
#include "sys/tree.h"

#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <set>

namespace berth::image {
namespace {

constexpr int kVersion = 1;
constexpr size_t kRecordMax = 1024 * 1024;
constexpr size_t kSmallBlobMax = kConfigMax;

Result<ImageRecord> parse_record(std::string_view text, const std::string& name) {
  auto document = TRY(json::Document::parse(text, {.name = name, .text_max = kRecordMax}));
  json::Node root = document.root();
  if (TRY(root.i64_at("version")) != kVersion) {
    return fail(Errc::kUnsupported, "{}: written by another version of berth", name);
  }
  ImageRecord record;
  record.reference = TRY(root.string_at("reference"));
  record.resolved_digest = TRY(root.string_at("resolved_digest"));
  record.manifest_digest = TRY(root.string_at("manifest_digest"));
  record.config_digest = TRY(root.string_at("config_digest"));
  record.platform = TRY(root.string_at("platform"));
  record.layers = TRY(root.find_strings("layers"));
  record.size = TRY(root.find_u64("size")).value_or(0);
  record.imported = TRY(root.find_bool("imported")).value_or(false);
  bool digests_good = is_digest(record.manifest_digest) && is_digest(record.config_digest) &&
                      std::ranges::all_of(record.layers, is_digest);
  if (!digests_good) return fail(Errc::kCorrupt, "{}: has a malformed digest", name);
  return record;
}

std::string render_record(const ImageRecord& record) {
  nlohmann::json root = {{"version", kVersion},
                         {"reference", record.reference},
                         {"resolved_digest", record.resolved_digest},
                         {"manifest_digest", record.manifest_digest},
                         {"config_digest", record.config_digest},
                         {"platform", record.platform},
                         {"layers", record.layers},
                         {"size", record.size},
                         {"imported", record.imported}};
  return root.dump(2) + "\n";
}

Status sync_directory(const std::string& path) {
  sys::Fd fd = TRY(sys::open(path, O_RDONLY | O_DIRECTORY));
  return sys::fsync(fd.get(), path);
}

}  // namespace

std::vector<int> Pin::descriptors() const {
  std::vector<int> fds;
  for (const sys::Fd& lock : locks_) fds.push_back(lock.get());
  return fds;
}

Scratch::~Scratch() {
  if (!lock_) return;  // moved from
  auto removed = sys::remove_tree(path_);
  if (!removed) LOG(kWarn, "scratch directory stays", {{"reason", removed.error().text}});
}

Result<Store> Store::open(const std::string& root) {
  Store store(root);
  for (const char* directory :
       {"", "/blobs", "/blobs/sha256", "/layers", "/images", "/tmp", "/locks"}) {
    TRY(sys::make_directories(root + directory, 0700));
  }
  TRY(store.sweep());
  return store;
}

// What is in tmp/ and not locked belongs to a killed process. The lock file keeps us from taking a
// directory between its making and its locking.
Status Store::sweep() const {
  auto making = TRY(sys::FileLock::acquire(root_ + "/locks/tmp"));
  for (const std::string& name : TRY(sys::list_directory(root_ + "/tmp"))) {
    std::string path = root_ + "/tmp/" + name;
    auto fd = sys::open(path, O_RDONLY | O_NOFOLLOW);
    if (!fd || !TRY(sys::try_lock(fd->get(), sys::LockMode::kExclusive))) continue;
    LOG(kInfo, "sweep what a killed pull left", {{"path", path}});
    TRY(sys::remove_tree(path));
  }
  return {};
}

std::string Store::image_path(const std::string& reference) const {
  return root_ + "/images/" + std::string(hex_of(digest_of(reference))) + ".json";
}

Result<std::optional<ImageRecord>> Store::find(const std::string& reference) const {
  std::string path = image_path(reference);
  auto text = sys::read_file(path, kRecordMax);
  if (!text && text.error().code == Errc::kNotFound) return std::optional<ImageRecord>();
  if (!text) return tl::unexpected<Error>(std::move(text).error());
  ImageRecord record = TRY(parse_record(*text, path));
  bool is_whole = has_blob(record.manifest_digest) && has_blob(record.config_digest) &&
                  std::ranges::all_of(record.layers, [&](const auto& id) { return has_layer(id); });
  if (!is_whole) return std::optional<ImageRecord>();
  return std::optional(std::move(record));
}

Result<std::vector<ImageRecord>> Store::list() const {
  std::vector<ImageRecord> records;
  for (const std::string& name : TRY(sys::list_directory(root_ + "/images"))) {
    if (!name.ends_with(".json")) continue;
    std::string path = root_ + "/images/" + name;
    auto text = sys::read_file(path, kRecordMax);
    if (!text && text.error().code == Errc::kNotFound) continue;  // removed meanwhile
    if (!text) return tl::unexpected<Error>(std::move(text).error());
    records.push_back(TRY(parse_record(*text, path)));
  }
  std::ranges::sort(records, {}, &ImageRecord::reference);
  return records;
}

Status Store::record(const ImageRecord& image) {
  return sys::write_atomic(image_path(image.reference), render_record(image), 0600);
}

Status Store::remove(const std::string& reference) {
  if (!sys::exists(image_path(reference))) {
    return fail(Errc::kNotFound, "image {} is not in the store", reference);
  }
  TRY(sys::remove_file(image_path(reference)));
  return sync_directory(root_ + "/images");
}

std::string Store::blob_path(const std::string& digest) const {
  return root_ + "/blobs/sha256/" + std::string(hex_of(digest));
}

bool Store::has_blob(const std::string& digest) const {
  return sys::exists(blob_path(digest));
}

Result<std::string> Store::read_blob(const std::string& digest) const {
  std::string bytes = TRY(sys::read_file(blob_path(digest), kSmallBlobMax));
  if (digest_of(bytes) != digest) {
    return fail(Errc::kCorrupt, "blob {} in the store is damaged", digest);
  }
  return bytes;
}

Result<std::string> Store::write_blob(std::string_view bytes) {
  std::string digest = digest_of(bytes);
  if (has_blob(digest)) return digest;
  Scratch scratch = TRY(make_scratch());
  std::string file = scratch.path() + "/blob";
  sys::Fd fd = TRY(sys::create(file, O_WRONLY | O_EXCL, 0600));
  TRY(sys::write_all(fd.get(), bytes));
  TRY(commit_blob(file, digest));
  return digest;
}

Status Store::commit_blob(const std::string& file, const std::string& digest) {
  sys::Fd fd = TRY(sys::open(file, O_RDONLY));
  TRY(sys::fsync(fd.get(), file));
  TRY(sys::rename(file, blob_path(digest)));
  return sync_directory(root_ + "/blobs/sha256");
}

std::string Store::layer_directory(const std::string& chain_id) const {
  return root_ + "/layers/" + std::string(hex_of(chain_id)) + "/fs";
}

bool Store::has_layer(const std::string& chain_id) const {
  return sys::exists(layer_directory(chain_id));
}

Status Store::commit_layer(const Scratch& scratch, const LayerRecord& layer) {
  nlohmann::json root = {{"version", kVersion},
                         {"chain_id", layer.chain_id},
                         {"diff_id", layer.diff_id},
                         {"blob", layer.blob},
                         {"size", layer.size}};
  TRY(sys::write_replace(scratch.path() + "/layer/layer.json", root.dump(2) + "\n", 0600));
  sys::Fd fd = TRY(sys::open(scratch.path(), O_RDONLY | O_DIRECTORY));
  TRY(sys::sync_file_system(fd.get()));
  std::string target = root_ + "/layers/" + std::string(hex_of(layer.chain_id));
  auto renamed = sys::rename(scratch.path() + "/layer", target);
  if (!renamed && !has_layer(layer.chain_id)) return renamed;
  return sync_directory(root_ + "/layers");
}

Result<Scratch> Store::make_scratch() {
  auto making = TRY(sys::FileLock::acquire(root_ + "/locks/tmp"));
  auto directory = TRY(sys::TemporaryDirectory::make(root_ + "/tmp", "work-"));
  sys::Fd lock = TRY(sys::open(directory.path(), O_RDONLY | O_DIRECTORY));
  TRY(sys::lock(lock.get(), sys::LockMode::kExclusive));
  return Scratch(directory.release(), std::move(lock));
}

Result<sys::Fd> Store::lock_layer(const std::string& chain_id) const {
  std::string path = root_ + "/locks/pull-" + std::string(hex_of(chain_id));
  sys::Fd fd = TRY(sys::create(path, O_RDWR, 0600));
  TRY(sys::lock(fd.get(), sys::LockMode::kExclusive));
  return fd;
}

Result<sys::Fd> Store::lock_for_pull() const {
  sys::Fd fd = TRY(sys::create(root_ + "/locks/store", O_RDWR, 0600));
  TRY(sys::lock(fd.get(), sys::LockMode::kShared));
  return fd;
}

Result<Pin> Store::pin(const std::vector<std::string>& chain_ids) const {
  Pin pin;
  for (const std::string& chain_id : chain_ids) {
    std::string path = root_ + "/layers/" + std::string(hex_of(chain_id));
    sys::Fd fd = TRY(sys::open(path, O_RDONLY | O_DIRECTORY));
    TRY(sys::lock(fd.get(), sys::LockMode::kShared));
    // Garbage removal renames a layer away under an exclusive lock: ours may have come after it.
    if (!has_layer(chain_id) || TRY(sys::stat(path)).st_ino != TRY(sys::stat_fd(fd.get())).st_ino) {
      return fail(Errc::kNotFound, "layer {} has just been removed as garbage", chain_id);
    }
    pin.locks_.push_back(std::move(fd));
  }
  return pin;
}

Result<Garbage> Store::remove_garbage() {
  sys::Fd pulls = TRY(sys::create(root_ + "/locks/store", O_RDWR, 0600));
  if (!TRY(sys::try_lock(pulls.get(), sys::LockMode::kExclusive))) {
    return fail(Errc::kUnavailable, "remove unused images: a pull is running");
  }
  std::set<std::string> named;
  for (const ImageRecord& image : TRY(list())) TRY(add_named(image, named));
  Garbage garbage;
  TRY(remove_layers(named, garbage));
  TRY(remove_blobs(named, garbage));
  return garbage;
}

// Layers by chain id and blobs by digest that an image needs; the two never share a directory.
Status Store::add_named(const ImageRecord& image, std::set<std::string>& named) const {
  named.insert(image.layers.begin(), image.layers.end());
  named.insert({image.manifest_digest, image.config_digest, image.resolved_digest});
  auto text = read_blob(image.manifest_digest);
  if (!text) return {};  // damaged or gone: it names nothing more
  auto parsed = TRY(parse_manifest(*text, ""));
  if (const auto* manifest = std::get_if<Manifest>(&parsed)) {
    for (const Descriptor& layer : manifest->layers) named.insert(layer.digest);
  }
  return {};
}

Status Store::remove_layers(const std::set<std::string>& named, Garbage& garbage) {
  for (const std::string& hex : TRY(sys::list_directory(root_ + "/layers"))) {
    std::string chain_id = std::string(kDigestPrefix) + hex;
    if (named.contains(chain_id)) continue;
    std::string path = root_ + "/layers/" + hex;
    sys::Fd fd = TRY(sys::open(path, O_RDONLY | O_DIRECTORY));
    if (!TRY(sys::try_lock(fd.get(), sys::LockMode::kExclusive))) continue;  // pinned
    Scratch scratch = TRY(make_scratch());
    TRY(sys::rename(path, scratch.path() + "/garbage"));
    garbage.layers.push_back(chain_id);
  }
  return {};
}

Status Store::remove_blobs(const std::set<std::string>& named, Garbage& garbage) {
  for (const std::string& hex : TRY(sys::list_directory(root_ + "/blobs/sha256"))) {
    std::string digest = std::string(kDigestPrefix) + hex;
    if (named.contains(digest)) continue;
    std::string path = root_ + "/blobs/sha256/" + hex;
    garbage.bytes += static_cast<uint64_t>(TRY(sys::stat(path)).st_size);
    TRY(sys::remove_file(path));
    garbage.blobs.push_back(digest);
  }
  return {};
}

}  // namespace berth::image
