#include "image/collection.h"

#include "base/text.h"

#include <algorithm>
#include <map>
#include <set>

namespace berth::image {
namespace {

// "3 days", "5 hours", "40 minutes": for reasons.
std::string format_age(Duration age) {
  auto minutes = std::chrono::duration_cast<std::chrono::minutes>(age).count();
  auto count = [](int64_t n, const char* unit) {
    return fmt::format("{} {}{}", n, unit, n == 1 ? "" : "s");
  };
  constexpr int64_t kHour = 60;
  constexpr int64_t kDay = 24 * kHour;
  if (minutes >= 2 * kDay) return count(minutes / kDay, "day");
  if (minutes >= 2 * kHour) return count(minutes / kHour, "hour");
  return count(std::max<int64_t>(minutes, 0), "minute");
}

class Planner {
 public:
  Planner(const Inventory& inventory, const CollectionPolicy& policy, WallTime now)
      : inventory_(inventory), policy_(policy), now_(now) {
    for (const StoredLayer& layer : inventory.layers) bytes_[layer.chain_id] += layer.bytes;
    for (const StoredBlob& blob : inventory.blobs) bytes_[blob.digest] += blob.bytes;
    for (const auto& [name, bytes] : bytes_) plan_.bytes_before += bytes;
  }

  CollectionPlan plan() {
    for (const StoredImage* image : by_last_use()) plan_image(*image);
    std::ranges::sort(plan_.decisions, {}, &Decision::name);
    std::set<std::string> named = names_that_stay();
    for (const StoredLayer& layer : inventory_.layers) plan_layer(layer, named);
    for (const StoredBlob& blob : inventory_.blobs) {
      plan_content({StoredKind::kBlob, blob.digest, blob.bytes, false, ""}, named);
    }
    for (const Decision& each : plan_.decisions) {
      if (each.goes) plan_.bytes_freed += each.bytes;
    }
    return std::move(plan_);
  }

 private:
  std::vector<const StoredImage*> by_last_use() const {
    std::vector<const StoredImage*> images;
    for (const StoredImage& image : inventory_.images) images.push_back(&image);
    std::ranges::stable_sort(images, {}, &StoredImage::last_used);
    return images;
  }

  void plan_image(const StoredImage& image) {
    Decision decision{StoredKind::kImage, image.record.reference, 0, false, ""};
    decision.reason = why_it_must_stay(image);
    if (decision.reason.empty()) {
      std::string why = why_it_may_go(image);
      decision.goes = !why.empty();
      decision.reason = decision.goes ? why : "last used " + age_of(image.last_used) + " ago";
    }
    if (decision.goes) gone_.insert(image.record.reference);
    plan_.decisions.push_back(std::move(decision));
  }

  std::string why_it_must_stay(const StoredImage& image) const {
    if (image.in_use) return "in use by a task";
    auto pulled = WallTime(std::chrono::seconds(image.record.pulled_at));
    if (now_ - pulled < policy_.minimum_age) return "pulled " + age_of(pulled) + " ago";
    return "";
  }

  std::string why_it_may_go(const StoredImage& image) const {
    if (gone_.size() >= policy_.images_max) return "";
    Duration unused = now_ - image.last_used;
    if (policy_.all_unused) return "no task uses it";
    if (policy_.unused_for && unused >= *policy_.unused_for) {
      return "not used for " + format_age(unused);
    }
    if (policy_.keep_bytes && bytes_that_stay() > *policy_.keep_bytes) {
      return "least recently used, and the store is above " + format_bytes(*policy_.keep_bytes);
    }
    return "";
  }

  std::string age_of(WallTime time) const { return format_age(now_ - time); }

  std::set<std::string> names_that_stay() const {
    std::set<std::string> named;
    for (const StoredImage& image : inventory_.images) {
      if (gone_.contains(image.record.reference)) continue;
      named.insert(image.record.layers.begin(), image.record.layers.end());
      named.insert(image.blobs.begin(), image.blobs.end());
    }
    return named;
  }

  uint64_t bytes_that_stay() const {
    if (!inventory_.unreadable.empty()) return plan_.bytes_before;
    uint64_t bytes = 0;
    for (const std::string& name : names_that_stay()) {
      if (auto found = bytes_.find(name); found != bytes_.end()) bytes += found->second;
    }
    return bytes;
  }

  void plan_layer(const StoredLayer& layer, const std::set<std::string>& named) {
    Decision decision{StoredKind::kLayer, layer.chain_id, layer.bytes, false, ""};
    if (layer.is_pinned && !named.contains(layer.chain_id)) {
      decision.reason = "in use by a task";
      plan_.decisions.push_back(std::move(decision));
      return;
    }
    plan_content(std::move(decision), named);
  }

  void plan_content(Decision decision, const std::set<std::string>& named) {
    if (named.contains(decision.name)) {
      decision.reason = "an image names it";
    } else if (!inventory_.unreadable.empty()) {
      decision.reason = "the record of an image cannot be read, and may name it";
    } else {
      decision.goes = true;
      decision.reason = "no image names it";
    }
    plan_.decisions.push_back(std::move(decision));
  }

  const Inventory& inventory_;
  const CollectionPolicy& policy_;
  WallTime now_;
  std::map<std::string, uint64_t> bytes_;  // layers and blobs; the two never share a name
  std::set<std::string> gone_;             // references
  CollectionPlan plan_;
};

Status apply(Store& store, const CollectionPlan& plan) {
  std::vector<std::string> layers;
  std::vector<std::string> blobs;
  for (const Decision& decision : plan.decisions) {
    if (!decision.goes) continue;
    switch (decision.kind) {
      case StoredKind::kImage:
        TRY(store.remove(decision.name));
        break;
      case StoredKind::kLayer:
        layers.push_back(decision.name);
        break;
      case StoredKind::kBlob:
        blobs.push_back(decision.name);
        break;
    }
  }
  TRY(store.remove_layers(layers));
  TRY(store.remove_blobs(blobs));
  return store.remove_idle_locks();
}

}  // namespace

const char* name_of(StoredKind kind) {
  switch (kind) {
    case StoredKind::kImage:
      return "image";
    case StoredKind::kLayer:
      return "layer";
    case StoredKind::kBlob:
      return "blob";
  }
  return "";
}

CollectionPlan plan_collection(const Inventory& inventory, const CollectionPolicy& policy,
                               WallTime now) {
  return Planner(inventory, policy, now).plan();
}

Result<CollectionPlan> collect(Store& store, const CollectionPolicy& policy, WallTime now) {
  sys::Fd lock = TRY(store.lock_for_removal());
  CollectionPlan plan = plan_collection(TRY(take_inventory(store, Measure::kDisk)), policy, now);
  TRY(apply(store, plan));
  return plan;
}

Result<Garbage> Store::remove_garbage() {
  sys::Fd lock = TRY(lock_for_removal());
  CollectionPlan plan = plan_collection(TRY(take_inventory(*this, Measure::kNothing)), {}, {});
  TRY(apply(*this, plan));
  Garbage garbage;
  for (const Decision& decision : plan.decisions) {
    if (!decision.goes) continue;
    if (decision.kind == StoredKind::kLayer) garbage.layers.push_back(decision.name);
    if (decision.kind == StoredKind::kBlob) {
      garbage.blobs.push_back(decision.name);
      garbage.bytes += decision.bytes;
    }
  }
  return garbage;
}

}  // namespace berth::image
