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

constexpr const char* kDirectoryTree = "/fs";
constexpr const char* kImageTree = "/fs.erofs";

constexpr int kVersion = 1;
constexpr Duration kUseGranularity = std::chrono::hours(1);
constexpr std::string_view kPullLock = "pull-";
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
  record.pulled_at = TRY(root.find_i64("pulled_at")).value_or(0);
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
                         {"imported", record.imported},
                         {"pulled_at", record.pulled_at}};
  return root.dump(2) + "\n";
}

Status sync_directory(const std::string& path) {
  sys::Fd fd = TRY(sys::open(path, O_RDONLY | O_DIRECTORY));
  return sys::fsync(fd.get(), path);
}

// The directory's own name and those of all above it.
Status sync_ancestry(std::string path) {
  while (true) {
    TRY(sync_directory(path.empty() ? "/" : path));
    if (path.empty() || path == "/") return {};
    size_t slash = path.rfind('/');
    path.resize(slash == std::string::npos ? 0 : slash);
  }
}

Status sync_file_system(const std::string& path) {
  sys::Fd fd = TRY(sys::open(path, O_RDONLY | O_DIRECTORY));
  return sys::sync_file_system(fd.get());
}

nlohmann::json render_highest(const HighestId& highest) {
  return {{"id", highest.id}, {"path", highest.path}};
}

// Older layers do not say.
Result<HighestId> parse_highest(const json::Node& layer, const char* key) {
  auto node = layer.find(key);
  if (!node) return HighestId();
  uint64_t id = TRY(node->find_u64("id")).value_or(0);
  return HighestId{static_cast<uint32_t>(id), TRY(node->string_at("path"))};
}

Status write_layer_record(const Scratch& scratch, const Store::LayerRecord& layer) {
  nlohmann::json root = {{"version", kVersion},
                         {"chain_id", layer.chain_id},
                         {"diff_id", layer.diff_id},
                         {"blob", layer.blob},
                         {"size", layer.size},
                         {"highest_uid", render_highest(layer.owner.uid)},
                         {"highest_gid", render_highest(layer.owner.gid)}};
  return sys::write_replace(scratch.path() + "/layer/layer.json", root.dump(2) + "\n", 0600);
}

std::string pull_lock_path(const std::string& root, std::string_view hex) {
  return fmt::format("{}/locks/{}{}", root, kPullLock, hex);
}

// Of a layer's directory.
std::string tree_in(const std::string& layer) {
  std::string image = layer + kImageTree;
  return sys::exists(image) ? image : layer + kDirectoryTree;
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
  TRY(store.make_tree());
  TRY(store.sweep());
  return store;
}

// locks/ comes last: where it is, the names of all the others are durable.
Status Store::make_tree() const {
  for (const char* directory : {"", "/blobs", "/blobs/sha256", "/layers", "/images", "/tmp"}) {
    TRY(sys::make_directories(root_ + directory, 0700));
  }
  if (sys::exists(root_ + "/locks")) return {};
  TRY(sync_directory(root_ + "/blobs"));
  TRY(sync_ancestry(root_));
  return sys::make_directories(root_ + "/locks", 0700);
}

// What is in tmp/ and not locked belongs to a killed process. The lock file keeps us from taking a
// directory between its making and its locking.
Status Store::sweep() const {
  auto making = TRY(sys::FileLock::acquire(root_ + "/locks/tmp"));
  for (const std::string& name : TRY(sys::list_directory(root_ + "/tmp"))) {
    std::string path = root_ + "/tmp/" + name;
    auto fd = sys::open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    if (!fd || !TRY(sys::try_lock(fd->get(), sys::LockMode::kExclusive))) continue;
    LOG(kInfo, "sweep what a killed process left", {{"path", path}});
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

Result<Store::Listing> Store::read_images() const {
  Listing listing;
  for (const std::string& name : TRY(sys::list_directory(root_ + "/images"))) {
    std::string path = root_ + "/images/" + name;
    auto text = sys::read_file(path, kRecordMax);
    if (!text && text.error().code == Errc::kNotFound) continue;  // removed meanwhile
    auto record = text ? parse_record(*text, path) : tl::unexpected<Error>(text.error());
    if (record && image_path(record->reference) == path) {
      listing.images.push_back(std::move(*record));
    } else {
      std::string why = record ? "belongs to " + record->reference : record.error().text;
      LOG(kWarn, "record of an image cannot be read: berth system check --repair",
          {{"file", path}, {"why", why}});
      listing.unreadable.push_back(path);
    }
  }
  std::ranges::sort(listing.images, {}, &ImageRecord::reference);
  return listing;
}

Result<std::vector<ImageRecord>> Store::list() const {
  return TRY(read_images()).images;
}

Status Store::record(const ImageRecord& image) {
  TRY(sync_directory(root_ + "/blobs/sha256"));
  TRY(sync_directory(root_ + "/layers"));
  Scratch scratch = TRY(make_scratch());
  std::string file = scratch.path() + "/record";
  sys::Fd fd = TRY(sys::create(file, O_WRONLY | O_EXCL, 0600));
  TRY(sys::write_all(fd.get(), render_record(image)));
  TRY(sys::fsync(fd.get(), file));
  TRY(sys::rename(file, image_path(image.reference)));
  return sync_directory(root_ + "/images");
}

Result<WallTime> Store::last_used(const ImageRecord& image) const {
  struct stat st = TRY(sys::stat(image_path(image.reference)));
  return WallTime(std::chrono::seconds(st.st_mtim.tv_sec));
}

Status Store::mark_used(const ImageRecord& image, WallTime now) const {
  if (now - TRY(last_used(image)) < kUseGranularity) return {};
  auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
  timespec time{.tv_sec = seconds, .tv_nsec = 0};
  return sys::set_times_at(AT_FDCWD, image_path(image.reference), {time, time});
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
  if (read_blob(digest)) return digest;  // one that is damaged is replaced
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
  return sys::rename(file, blob_path(digest));  // record() syncs the name
}

std::string Store::layer_path(const std::string& chain_id) const {
  return root_ + "/layers/" + std::string(hex_of(chain_id));
}

std::string Store::layer_tree(const std::string& chain_id) const {
  return tree_in(layer_path(chain_id));
}

bool Store::has_layer(const std::string& chain_id) const {
  return sys::exists(layer_tree(chain_id));
}

Result<Store::LayerRecord> Store::read_layer_record(const std::string& chain_id) const {
  std::string path = layer_path(chain_id) + "/layer.json";
  std::string text = TRY(sys::read_file(path, kRecordMax));
  auto document = TRY(json::Document::parse(text, {.name = path}));
  json::Node root = document.root();
  LayerRecord record{.chain_id = chain_id};
  record.diff_id = TRY(root.string_at("diff_id"));
  record.blob = TRY(root.string_at("blob"));
  record.size = TRY(root.find_u64("size")).value_or(0);
  record.owner.uid = TRY(parse_highest(root, "highest_uid"));
  record.owner.gid = TRY(parse_highest(root, "highest_gid"));
  if (is_digest(record.diff_id) && is_digest(record.blob)) return record;
  return fail(Errc::kCorrupt, "{}: has a malformed digest", path);
}

std::string Store::unpacked_tree(const Scratch& scratch) {
  return tree_in(scratch.path() + "/layer");
}

Result<std::string> Store::new_tree(const Scratch& scratch, LayerFormat format) {
  std::string layer = scratch.path() + "/layer";
  TRY(sys::make_directory(layer, 0755));
  return layer + (format == LayerFormat::kImage ? kImageTree : kDirectoryTree);
}

Status Store::commit(const std::vector<Finished>& all) {
  for (const Finished& each : all) {
    if (each.layer) TRY(write_layer_record(each.scratch, *each.layer));
  }
  TRY(sync_file_system(root_));
  for (const Finished& each : all) TRY(show(each));
  return {};
}

Status Store::sync_early() const {
  return sync_file_system(root_);
}

// record() syncs the names.
Status Store::show(const Finished& finished) {
  const Scratch& scratch = finished.scratch;
  if (!finished.blob.empty()) {
    TRY(sys::rename(scratch.path() + "/blob", blob_path(finished.blob)));
  }
  return finished.layer ? show_layer(scratch, finished.layer->chain_id) : Status();
}

Status Store::show_layer(const Scratch& scratch, const std::string& chain_id) {
  auto renamed = sys::rename(scratch.path() + "/layer", layer_path(chain_id));
  if (!renamed && !has_layer(chain_id)) return renamed;
  return {};
}

// The old one must lie in tmp/ itself and not within the scratch directory, whose lock is ours: the
// pins on it are the only locks that say how long it is needed.
Status Store::replace_layer(const Scratch& scratch, const LayerRecord& layer) {
  TRY(write_layer_record(scratch, layer));
  TRY(sync_file_system(root_));
  std::string target = layer_path(layer.chain_id);
  if (!sys::exists(target)) {
    TRY(show_layer(scratch, layer.chain_id));
    return sync_directory(root_ + "/layers");
  }
  std::string outside = scratch.path() + ".old";
  sys::Fd fresh = TRY(sys::open(scratch.path() + "/layer", O_RDONLY | O_DIRECTORY));
  TRY(sys::lock(fresh.get(), sys::LockMode::kExclusive));  // against sweepers
  TRY(sys::rename(scratch.path() + "/layer", outside));
  auto exchanged = sys::exchange(outside, target);
  fresh.reset();
  if (exchanged) exchanged = sync_directory(root_ + "/layers");
  sys::Fd old = TRY(sys::open(outside, O_RDONLY | O_DIRECTORY));
  if (TRY(sys::try_lock(old.get(), sys::LockMode::kExclusive))) TRY(sys::remove_tree(outside));
  return exchanged;
}

Result<Scratch> Store::make_scratch() {
  auto making = TRY(sys::FileLock::acquire(root_ + "/locks/tmp"));
  auto directory = TRY(sys::TemporaryDirectory::make(root_ + "/tmp", "work-"));
  sys::Fd lock = TRY(sys::open(directory.path(), O_RDONLY | O_DIRECTORY));
  TRY(sys::lock(lock.get(), sys::LockMode::kExclusive));
  return Scratch(directory.release(), std::move(lock));
}

Result<sys::FileLock> Store::lock_layer(const std::string& chain_id) const {
  return sys::FileLock::acquire(pull_lock_path(root_, hex_of(chain_id)));
}

Result<sys::Fd> Store::lock_for_pull() const {
  sys::Fd fd = TRY(sys::create(root_ + "/locks/store", O_RDWR, 0600));
  TRY(sys::lock(fd.get(), sys::LockMode::kShared));
  return fd;
}

Result<sys::Fd> Store::lock_for_removal() const {
  sys::Fd fd = TRY(sys::create(root_ + "/locks/store", O_RDWR, 0600));
  if (TRY(sys::try_lock(fd.get(), sys::LockMode::kExclusive))) return fd;
  return fail(Errc::kUnavailable,
              "the store is in use: a pull, a check or another removal runs; try again after it");
}

Result<Pin> Store::pin(const std::vector<std::string>& chain_ids) const {
  Pin pin;
  for (const std::string& chain_id : chain_ids) {
    std::string path = layer_path(chain_id);
    while (true) {
      sys::Fd fd = TRY(sys::open(path, O_RDONLY | O_DIRECTORY));
      TRY(sys::lock(fd.get(), sys::LockMode::kShared));
      // A layer is removed or replaced under an exclusive lock: ours may have come after it.
      if (TRY(sys::stat(path)).st_ino != TRY(sys::stat_fd(fd.get())).st_ino) continue;
      pin.locks_.push_back(std::move(fd));
      break;
    }
  }
  return pin;
}

Result<bool> Store::is_pinned(const std::string& chain_id) const {
  auto fd = sys::open(layer_path(chain_id), O_RDONLY | O_DIRECTORY);
  if (!fd && fd.error().code == Errc::kNotFound) return false;
  if (!fd) return tl::unexpected<Error>(std::move(fd).error());
  return !TRY(sys::try_lock(fd->get(), sys::LockMode::kExclusive));
}

// Out of sight, for good, and only then empty: the removal of files may reach the disk before that
// of the name, and a power cut in between would leave a layer that lacks them.
Status Store::remove_layers(const std::vector<std::string>& chain_ids) {
  if (chain_ids.empty()) return {};
  Scratch scratch = TRY(make_scratch());
  for (const std::string& chain_id : chain_ids) {
    std::string path = layer_path(chain_id);
    sys::Fd fd = TRY(sys::open(path, O_RDONLY | O_DIRECTORY));
    if (!TRY(sys::try_lock(fd.get(), sys::LockMode::kExclusive))) continue;
    TRY(sys::rename(path, scratch.path() + "/" + std::string(hex_of(chain_id))));
  }
  return sync_directory(root_ + "/layers");
}

Status Store::remove_blobs(const std::vector<std::string>& digests) {
  for (const std::string& digest : digests) TRY(sys::remove_file(blob_path(digest)));
  return {};
}

Status Store::remove_idle_locks() {
  for (const std::string& name : TRY(sys::list_directory(root_ + "/locks"))) {
    if (!name.starts_with(kPullLock)) continue;
    std::string path = root_ + "/locks/" + name;
    auto lock = sys::FileLock::try_acquire(path);
    if (lock) TRY(sys::remove_file(path));
  }
  return {};
}

}  // namespace berth::image
