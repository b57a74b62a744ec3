#include "image/commit_queue.h"

#include "image/digest.h"
#include "sys/file.h"
#include "sys/tree.h"

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace berth::image {
namespace {

class CommitQueueTest : public testing::Test {
 protected:
  void SetUp() override {
    directory_.emplace(
        sys::TemporaryDirectory::make(testing::TempDir(), "berth-commit-queue-").value());
    store_.emplace(Store::open(directory_->path() + "/root").value());
  }

  static std::string id(const std::string& name) { return digest_of(name); }

  Store::Finished layer(const std::string& name) {
    Store::Finished finished{store_->make_scratch().value(), id(name + " blob"),
                             Store::LayerRecord{id(name), id(name), id(name + " blob"), 1},
                             store_->lock_layer(id(name)).value()};
    auto tree = Store::new_tree(finished.scratch, LayerFormat::kDirectory);
    EXPECT_TRUE(tree && sys::make_directory(*tree, 0755));
    EXPECT_TRUE(sys::write_replace(finished.scratch.path() + "/blob", name, 0600));
    return finished;
  }

  // What stands under the store's `directory`.
  size_t count(const std::string& directory) const {
    return sys::list_directory(store_->root() + "/" + directory).value().size();
  }

  std::optional<sys::TemporaryDirectory> directory_;
  std::optional<Store> store_;
};

TEST_F(CommitQueueTest, WhatCameMeanwhileIsCommittedTogether) {
  std::promise<void> first_is_seen;
  std::promise<void> others_wait;
  std::vector<size_t> visible;
  CommitQueue queue(*store_, [&](const Store::Finished&) {
    visible.push_back(count("layers"));
    if (visible.size() > 1) return;
    first_is_seen.set_value();
    others_wait.get_future().wait();
  });
  ASSERT_TRUE(queue.add(layer("one")));
  first_is_seen.get_future().wait();
  for (const char* name : {"two", "three", "four"}) ASSERT_TRUE(queue.add(layer(name)));
  others_wait.set_value();
  EXPECT_TRUE(queue.close());
  EXPECT_EQ(visible, (std::vector<size_t>{1, 4, 4, 4}));
  EXPECT_EQ(count("blobs/sha256"), 4u);
  EXPECT_EQ(count("tmp"), 0u);
}

TEST_F(CommitQueueTest, LocksGoWithTheCommitAndNotWithTheQueue) {
  CommitQueue queue(*store_, [](const Store::Finished&) {});
  ASSERT_TRUE(queue.add(layer("one")));
  EXPECT_TRUE(store_->lock_layer(id("one")));  // would wait for ever
  EXPECT_TRUE(store_->has_layer(id("one")));
}

TEST_F(CommitQueueTest, AFailureDropsWhatWaits) {
  std::promise<void> first_is_seen;
  std::promise<void> others_wait;
  CommitQueue queue(*store_, [&](const Store::Finished&) {
    first_is_seen.set_value();
    others_wait.get_future().wait();
  });
  ASSERT_TRUE(queue.add(layer("one")));
  first_is_seen.get_future().wait();
  Store::Finished bad = layer("bad");
  ASSERT_TRUE(sys::remove_tree(bad.scratch.path() + "/layer"));
  ASSERT_TRUE(queue.add(layer("two")));
  ASSERT_TRUE(queue.add(std::move(bad)));
  others_wait.set_value();
  EXPECT_FALSE(queue.close());
  EXPECT_FALSE(queue.add(layer("late")));
  EXPECT_TRUE(store_->has_layer(id("one")));
  EXPECT_EQ(count("layers"), 1u);
  EXPECT_EQ(count("blobs/sha256"), 1u);
  EXPECT_EQ(count("tmp"), 0u);
  EXPECT_TRUE(store_->lock_layer(id("two")));
}

// Seen by its failure: what is gone cannot be synced. (Should none come, ctest ends the wait.)
TEST_F(CommitQueueTest, MuchThatCameIsSyncedBeforeALayerIsWhole) {
  CommitQueue queue(*store_, [](const Store::Finished&) {});
  queue.came(kEarlySyncBytes - 1);
  EXPECT_TRUE(queue.status());
  ASSERT_TRUE(sys::remove_tree(store_->root()));
  queue.came(1);
  while (queue.status()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_FALSE(queue.close());
}

TEST_F(CommitQueueTest, TowardsTheEndHalfOfTheRestIsMuch) {
  CommitQueue queue(*store_, [](const Store::Finished&) {});
  queue.expect(3 * kLastSyncBytes);
  ASSERT_TRUE(sys::remove_tree(store_->root()));
  queue.came(kLastSyncBytes);
  EXPECT_TRUE(queue.status());
  queue.came(kLastSyncBytes);
  while (queue.status()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_FALSE(queue.close());
}

TEST_F(CommitQueueTest, WithNothingToDoItEnds) {
  CommitQueue queue(*store_, [](const Store::Finished&) {});
  EXPECT_TRUE(queue.close());
  EXPECT_TRUE(queue.close());
}

}  // namespace
}  // namespace berth::image
