#include "image/collection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace berth::image {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int64_t kNowSeconds = 1'700'000'000;
const WallTime kNow{seconds(kNowSeconds)};

// A store of images that were pulled ten days ago.
class Shelf {
 public:
  Shelf& image(const std::string& reference, std::vector<std::string> layers, int idle_hours) {
    StoredImage image;
    image.record.reference = reference;
    image.record.layers = layers;
    image.record.pulled_at = kNowSeconds - 10 * 24 * 3600;
    image.last_used = kNow - hours(idle_hours);
    image.blobs = {"manifest-" + reference};
    for (const std::string& layer : layers) {
      image.blobs.push_back("blob-" + layer);
      add(layer, 100);
    }
    blob("manifest-" + reference, 1);
    inventory_.images.push_back(image);
    return *this;
  }
  Shelf& layer(const std::string& name, uint64_t bytes) {
    add(name, bytes);
    return *this;
  }
  Shelf& blob(const std::string& name, uint64_t bytes) {
    inventory_.blobs.push_back({name, bytes});
    return *this;
  }
  Shelf& in_use(const std::string& reference) {
    for (StoredImage& image : inventory_.images) {
      if (image.record.reference == reference) image.in_use = true;
    }
    return *this;
  }
  Shelf& pinned(const std::string& name) {
    for (StoredLayer& layer : inventory_.layers) {
      if (layer.chain_id == name) layer.is_pinned = true;
    }
    return *this;
  }
  Shelf& pulled_now(const std::string& reference) {
    for (StoredImage& image : inventory_.images) {
      if (image.record.reference == reference) image.record.pulled_at = kNowSeconds - 60;
    }
    return *this;
  }
  Shelf& unreadable() {
    inventory_.unreadable.push_back("/images/x.json");
    return *this;
  }
  CollectionPlan plan(const CollectionPolicy& policy) const {
    return plan_collection(inventory_, policy, kNow);
  }

 private:
  void add(const std::string& name, uint64_t bytes) {
    for (const StoredLayer& known : inventory_.layers) {
      if (known.chain_id == name) return;
    }
    StoredLayer layer;
    layer.chain_id = name;
    layer.bytes = bytes;
    inventory_.layers.push_back(layer);
    blob("blob-" + name, 10);
  }
  Inventory inventory_;
};

std::vector<std::string> gone(const CollectionPlan& plan) {
  std::vector<std::string> names;
  for (const Decision& decision : plan.decisions) {
    EXPECT_NE(decision.reason, "") << decision.name;
    if (decision.goes) names.push_back(decision.name);
  }
  return names;
}

std::string reason_of(const CollectionPlan& plan, const std::string& name) {
  for (const Decision& decision : plan.decisions) {
    if (decision.name == name) return decision.reason;
  }
  return "not decided";
}

TEST(Collection, OnlyWhatNothingNamesGoesWithoutAPolicy) {
  Shelf shelf;
  shelf.image("a", {"base", "top-a"}, 1000).layer("half", 50).blob("half-blob", 5);
  CollectionPlan plan = shelf.plan({});
  EXPECT_THAT(gone(plan), ElementsAre("half", "blob-half", "half-blob"));
  EXPECT_EQ(plan.bytes_before, 100u + 100 + 50 + 10 * 3 + 1 + 5);
  EXPECT_EQ(plan.bytes_freed, 50u + 10 + 5);
}

TEST(Collection, SharedLayersStayWithTheImageThatStays) {
  Shelf shelf;
  shelf.image("a", {"base", "top-a"}, 100).image("b", {"base", "top-b"}, 1);
  CollectionPlan plan = shelf.plan({.unused_for = hours(48)});
  EXPECT_THAT(gone(plan), ElementsAre("a", "top-a", "blob-top-a", "manifest-a"));
  EXPECT_EQ(reason_of(plan, "a"), "not used for 4 days");
  EXPECT_EQ(reason_of(plan, "b"), "last used 60 minutes ago");
  EXPECT_EQ(reason_of(plan, "base"), "an image names it");
}

TEST(Collection, AllIsWhatNoTaskUses) {
  Shelf shelf;
  shelf.image("a", {"x"}, 1).image("b", {"y"}, 1).in_use("a").pinned("x");
  CollectionPlan plan = shelf.plan({.all_unused = true});
  EXPECT_THAT(gone(plan), ElementsAre("b", "y", "blob-y", "manifest-b"));
  EXPECT_EQ(reason_of(plan, "a"), "in use by a task");
}

TEST(Collection, PinnedLayersStayWithoutAName) {
  Shelf shelf;
  shelf.layer("old", 7).pinned("old");
  CollectionPlan plan = shelf.plan({.all_unused = true});
  EXPECT_THAT(gone(plan), ElementsAre("blob-old"));
  EXPECT_EQ(reason_of(plan, "old"), "in use by a task");
}

TEST(Collection, DownToASizeTheLeastRecentlyUsedGoFirst) {
  Shelf shelf;
  shelf.image("new", {"n"}, 1).image("old", {"o"}, 300).image("older", {"p"}, 400);
  constexpr uint64_t kEach = 100 + 10 + 1;
  EXPECT_THAT(gone(shelf.plan({.keep_bytes = 3 * kEach})), IsEmpty());
  EXPECT_THAT(gone(shelf.plan({.keep_bytes = 3 * kEach - 1})), testing::Contains("older"));
  EXPECT_THAT(gone(shelf.plan({.keep_bytes = 3 * kEach - 1})),
              testing::Not(testing::Contains("old")));
  CollectionPlan plan = shelf.plan({.keep_bytes = kEach});
  EXPECT_EQ(plan.bytes_before - plan.bytes_freed, kEach);
  EXPECT_THAT(reason_of(plan, "old"), HasSubstr("least recently used"));
}

TEST(Collection, ASizeThatLeftoversExplainCostsNoImage) {
  Shelf shelf;
  shelf.image("a", {"x"}, 500).layer("half", 5000);
  EXPECT_THAT(gone(shelf.plan({.keep_bytes = 200})), ElementsAre("half", "blob-half"));
}

TEST(Collection, WhatWasPulledJustNowStays) {
  Shelf shelf;
  shelf.image("a", {"x"}, 500).image("b", {"y"}, 500).pulled_now("a");
  CollectionPlan plan = shelf.plan({.all_unused = true, .minimum_age = hours(1)});
  EXPECT_EQ(reason_of(plan, "a"), "pulled 1 minute ago");
  EXPECT_THAT(gone(plan), testing::Not(testing::Contains("x")));
  EXPECT_THAT(gone(plan), testing::Contains("y"));
}

TEST(Collection, SoManyImagesAtATimeTheLeastRecentlyUsedFirst) {
  Shelf shelf;
  shelf.image("a", {"x"}, 10).image("b", {"y"}, 30).image("c", {"z"}, 20);
  EXPECT_THAT(gone(shelf.plan({.all_unused = true, .images_max = 2})),
              ElementsAre("b", "c", "y", "z", "blob-y", "manifest-b", "blob-z", "manifest-c"));
}

TEST(Collection, NothingGoesForHavingNoNameWhileARecordIsUnreadable) {
  Shelf shelf;
  shelf.image("a", {"x"}, 500).layer("whose", 5).unreadable();
  CollectionPlan plan = shelf.plan({.all_unused = true});
  EXPECT_THAT(gone(plan), ElementsAre("a"));
  EXPECT_THAT(reason_of(plan, "whose"), HasSubstr("cannot be read"));
}

}  // namespace
}  // namespace berth::image
