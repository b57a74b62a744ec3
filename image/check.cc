#include "image/check.h"

#include "base/text.h"
#include "image/content.h"
#include "image/digest.h"
#include "image/foreign.h"
#include "image/inventory.h"
#include "image/layer_fetch.h"
#include "image/open_source.h"
#include "image/tree_difference.h"
#include "sys/file.h"

#include <fcntl.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace berth::image {
namespace {

constexpr size_t kDifferencesShown = 3;

// As the manifest describes it, which for foreign layers says where they lie.
Descriptor described(const Store& store, const ImageRecord& image, const std::string& digest) {
  auto manifest = manifest_of(store, image);
  if (!manifest) return Descriptor{.digest = digest};
  auto found = std::ranges::find(manifest->layers, digest, &Descriptor::digest);
  return found == manifest->layers.end() ? Descriptor{.digest = digest} : *found;
}

// The blob from where the image came from, in place of what the store has.
Status fetch_again(Store& store, const PullerConfig& config, Env env, const ImageRecord& image,
                   const std::string& digest) {
  if (image.imported) {
    return fail(Errc::kNotFound,
                "{} was imported on this host: no registry has it; import it again",
                image.reference);
  }
  Reference reference = TRY(Reference::parse(image.reference));
  OpenSource opened = TRY(open_source(store, config, env, {reference, nullptr}));
  Scratch scratch = TRY(store.make_scratch());
  std::string file = scratch.path() + "/blob";
  sys::Fd fd = TRY(sys::create(file, O_WRONLY | O_EXCL, 0600));
  Sha256 hash;
  Sink keep = [&](std::string_view bytes) -> Status {
    hash.update(bytes);
    return sys::write_all(fd.get(), bytes);
  };
  Descriptor descriptor = described(store, image, digest);
  bool is_manifest = digest == image.manifest_digest || digest == image.resolved_digest;
  if (is_manifest) {
    TRY(keep(TRY(opened.source->manifest(descriptor))));
  } else {
    TRY(ForeignSource(*opened.source, config.registry, env, nullptr).blob(descriptor, keep));
  }
  if (hash.finish() != digest) {
    return fail(Errc::kCorrupt, "{} gives other bytes for it", image.reference);
  }
  return store.commit_blob(file, digest);
}

struct LayerParts {
  std::string blob;     // digest
  std::string diff_id;  // of the plain tar
};

class Checker {
 public:
  Checker(Store& store, const PullerConfig& config, Env env, Repair repair)
      : store_(store), config_(config), env_(env), repair_(repair) {}

  Result<CheckReport> check() {
    sys::Fd lock = TRY(store_.lock_for_pull());
    inventory_ = TRY(take_inventory(store_, Measure::kNothing));
    report_.images = inventory_.images.size();
    for (const std::string& file : inventory_.unreadable) TRY(check_record(file));
    TRY(check_blobs());
    for (const StoredImage& image : inventory_.images) TRY(check_layers(image));
    return std::move(report_);
  }

 private:
  bool repairs() const { return repair_ == Repair::kYes; }

  Status check_record(const std::string& file) {
    Damage damage{CheckedKind::kRecord, file, "cannot be read", false, "", {}};
    if (repairs()) {
      TRY(sys::remove_file(file));
      damage.is_repaired = true;
      damage.repair = "removed; the image it was of has to be pulled again";
    }
    report_.damages.push_back(std::move(damage));
    return {};
  }

  // ---- blobs ----

  Status check_blobs() {
    std::map<std::string, std::vector<const StoredImage*>> needed;
    for (const StoredBlob& blob : inventory_.blobs) needed[blob.digest];
    for (const StoredImage& image : inventory_.images) {
      for (const std::string& digest : image.blobs) needed[digest].push_back(&image);
    }
    for (const auto& [digest, images] : needed) check_blob(digest, images);
    // A manifest that was damaged did not say what the image needs.
    for (StoredImage& image : inventory_.images) {
      auto manifest = manifest_of(image.record);
      if (!manifest) continue;
      for (const Descriptor& layer : manifest->layers) {
        if (!needed.contains(layer.digest)) check_blob(layer.digest, {&image});
      }
    }
    return {};
  }

  void check_blob(const std::string& digest, const std::vector<const StoredImage*>& images) {
    ++report_.blobs;
    auto found = digest_of_file(store_.blob_path(digest));
    if (found && *found == digest) return;
    bool is_missing = !found && found.error().code == Errc::kNotFound;
    if (is_missing && is_spare(digest, images)) return;
    Damage damage{CheckedKind::kBlob, digest, "", false, "", {}};
    if (found) {
      damage.problem = "has other bytes: " + *found;
    } else if (is_missing) {
      damage.problem = "is missing";
    } else {
      damage.problem = found.error().text;
    }
    for (const StoredImage* image : images) damage.images.push_back(image->record.reference);
    if (repairs()) repair_blob(damage, images);
    if (!damage.is_repaired) bad_blobs_.insert(digest);
    report_.damages.push_back(std::move(damage));
  }

  // Not needed: nobody's, or each layer it would make came from another blob (the same tar,
  // compressed otherwise).
  bool is_spare(const std::string& digest, const std::vector<const StoredImage*>& images) const {
    return std::ranges::all_of(images, [&](const StoredImage* image) {
      auto manifest = manifest_of(image->record);
      if (!manifest || manifest->layers.size() != image->record.layers.size()) return false;
      bool is_layer = false;
      for (size_t i = 0; i < manifest->layers.size(); ++i) {
        if (manifest->layers[i].digest != digest) continue;
        is_layer = true;
        auto made_of = store_.read_layer_record(image->record.layers[i]);
        if (!made_of || made_of->blob == digest || !store_.has_blob(made_of->blob)) return false;
      }
      return is_layer;
    });
  }

  void repair_blob(Damage& damage, const std::vector<const StoredImage*>& images) {
    if (images.empty()) {
      auto removed = store_.remove_blobs({damage.name});
      damage.is_repaired = removed.has_value();
      damage.repair = removed ? "removed: no image names it" : removed.error().text;
      return;
    }
    for (const StoredImage* image : images) {
      auto fetched = fetch_again(store_, config_, env_, image->record, damage.name);
      damage.is_repaired = fetched.has_value();
      damage.repair =
          fetched ? "fetched again from " + image->record.reference : fetched.error().text;
      if (fetched) return;
    }
  }

  // ---- layers ----

  std::optional<Manifest> manifest_of(const ImageRecord& image) const {
    auto text = store_.read_blob(image.manifest_digest);
    if (!text) return std::nullopt;
    auto parsed = parse_manifest(*text, "");
    const auto* manifest = parsed ? std::get_if<Manifest>(&*parsed) : nullptr;
    if (manifest == nullptr) return std::nullopt;
    return *manifest;
  }

  // Blob and diff_id of each layer: from manifest and configuration, else as the layers say.
  std::vector<LayerParts> parts_of(const ImageRecord& image) const {
    std::vector<LayerParts> parts(image.layers.size());
    auto manifest = manifest_of(image);
    auto config = store_.read_blob(image.config_digest);
    auto parsed = config ? parse_config(*config, parts.size())
                         : tl::unexpected<Error>(std::move(config).error());
    bool is_whole = manifest && parsed && manifest->layers.size() == parts.size() &&
                    chain_ids(parsed->diff_ids) == image.layers;
    for (size_t i = 0; i < parts.size(); ++i) {
      if (is_whole) parts[i] = {manifest->layers[i].digest, parsed->diff_ids[i]};
      auto record = store_.read_layer_record(image.layers[i]);
      if (!record) continue;
      if (!is_whole) parts[i] = {record->blob, record->diff_id};
      if (!store_.has_blob(parts[i].blob) && record->diff_id == parts[i].diff_id) {
        parts[i].blob = record->blob;
      }
    }
    return parts;
  }

  Status check_layers(const StoredImage& image) {
    std::vector<LayerParts> parts = parts_of(image.record);
    std::vector<std::string> lower;
    for (size_t i = 0; i < parts.size(); ++i) {
      const std::string& chain_id = image.record.layers[i];
      auto known = good_.find(chain_id);
      if (known == good_.end()) {
        known = good_.emplace(chain_id, TRY(check_layer(image, chain_id, parts[i], lower))).first;
      }
      // What stands on a layer of which no good copy can be had cannot be judged.
      if (known->second.empty()) return {};
      lower.push_back(known->second);
    }
    return {};
  }

  // Gives a tree with the right content: the store's, or of the scratch that we keep; "" when
  // there is none.
  Result<std::string> check_layer(const StoredImage& image, const std::string& chain_id,
                                  const LayerParts& parts, const std::vector<std::string>& lower) {
    ++report_.layers;
    Damage damage{CheckedKind::kLayer, chain_id, "", false, "", {image.record.reference}};
    Scratch scratch = TRY(store_.make_scratch());
    auto record = rebuild({chain_id, parts}, lower, scratch);
    if (!record) {
      bool is_there = store_.has_layer(chain_id);
      damage.problem = is_there ? "cannot be checked" : "is missing";
      damage.repair = record.error().text;
      report_.damages.push_back(std::move(damage));
      return std::string();
    }
    damage.problem = problem_of(*record, scratch);
    if (damage.problem.empty()) return store_.layer_tree(chain_id);
    if (repairs()) {
      auto replaced = store_.replace_layer(scratch, *record);
      damage.is_repaired = replaced.has_value();
      damage.repair = replaced ? "unpacked again from its blob" : replaced.error().text;
    }
    bool is_good = damage.is_repaired;
    report_.damages.push_back(std::move(damage));
    if (is_good) return store_.layer_tree(chain_id);
    kept_.push_back(std::move(scratch));
    return Store::unpacked_tree(kept_.back());
  }

  struct Wanted {
    const std::string& chain_id;
    const LayerParts& parts;
  };
  Result<Store::LayerRecord> rebuild(const Wanted& wanted, const std::vector<std::string>& lower,
                                     const Scratch& scratch) {
    const std::string& blob = wanted.parts.blob;
    if (blob.empty()) {
      return fail(Errc::kCorrupt,
                  "it is not known of which blob it was made: the manifest or "
                  "configuration of the image is damaged");
    }
    if (bad_blobs_.contains(blob)) {
      return fail(Errc::kCorrupt, "its blob {} is missing or damaged", blob);
    }
    LayerFetch fetch{{.digest = blob}, wanted.parts.diff_id,
                     wanted.chain_id,  [&] { return MergedView::open(lower); },
                     config_.limits,   format_of(wanted.chain_id),
                     nullptr};
    return rebuild_layer(store_, fetch, scratch);
  }

  // As the layer was unpacked, to be compared with it.
  LayerFormat format_of(const std::string& chain_id) const {
    auto st = sys::stat(store_.layer_tree(chain_id));
    if (!st) return usable(config_.layers, store_.root() + "/tmp");
    return S_ISREG(st->st_mode) ? LayerFormat::kImage : LayerFormat::kDirectory;
  }

  // "" when the layer is as it was unpacked.
  std::string problem_of(const Store::LayerRecord& wanted, const Scratch& scratch) const {
    if (!store_.has_layer(wanted.chain_id)) return "is missing";
    auto record = store_.read_layer_record(wanted.chain_id);
    if (!record) return record.error().text;
    if (record->diff_id != wanted.diff_id) return "layer.json names another diff_id";
    Trees trees{store_.layer_tree(wanted.chain_id), Store::unpacked_tree(scratch)};
    auto found = differences(trees, kDifferencesShown);
    return found ? join(*found, "; ") : "cannot be read: " + found.error().text;
  }

  Store& store_;
  const PullerConfig& config_;
  Env env_;
  Repair repair_;
  Inventory inventory_;
  CheckReport report_;
  std::set<std::string> bad_blobs_;
  std::map<std::string, std::string> good_;  // chain id -> tree
  std::vector<Scratch> kept_;
};

}  // namespace

const char* name_of(CheckedKind kind) {
  switch (kind) {
    case CheckedKind::kRecord:
      return "record";
    case CheckedKind::kBlob:
      return "blob";
    case CheckedKind::kLayer:
      return "layer";
  }
  return "";
}

bool CheckReport::is_whole() const {
  return std::ranges::all_of(damages, [](const Damage& damage) { return damage.is_repaired; });
}

Result<CheckReport> check_store(Store& store, const PullerConfig& config, Env env, Repair repair) {
  return Checker(store, config, env, repair).check();
}

}  // namespace berth::image
