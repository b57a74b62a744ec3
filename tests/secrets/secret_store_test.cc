#include "secrets/secret_store.h"

#include "secrets/secret_file.h"
#include "sys/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace berth::secrets {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(SecretStore, KeepsVersionsByTheirStages) {
  auto directory = sys::TemporaryDirectory::make(testing::TempDir(), "berth-secrets-");
  SecretStore store(directory->path());
  ManualClock clock;
  SeededRng rng(1);
  SecretName name{SecretKind::kSecret, "a/b"};
  EXPECT_TRUE(store.list(clock.wall())->empty());
  EXPECT_FALSE(*store.get(name, {}));
  std::vector<std::string> ids;
  for (size_t i = 0; i <= kSecretVersionsMax; ++i) {
    auto put = store.put(name, Secret("value " + std::to_string(i)), Env{clock, rng});
    ASSERT_TRUE(put) << put.error().text;
    ids.push_back(put->id);
  }
  EXPECT_EQ((*store.get(name, {}))->value.reveal(), "value 20");
  EXPECT_EQ((*store.get(name, {.stage = kStagePrevious}))->value.reveal(), "value 19");
  EXPECT_EQ((*store.get(name, {.id = ids[1]}))->value.reveal(), "value 1");
  EXPECT_FALSE(*store.get(name, {.id = ids[0]})) << "the oldest has made room";
  EXPECT_FALSE(*store.get({SecretKind::kParameter, "a/b"}, {}));
  EXPECT_EQ(store.list(clock.wall())->at(0).versions.size(), kSecretVersionsMax);
  EXPECT_TRUE(*store.remove(name));
  EXPECT_FALSE(*store.remove(name));
}

TEST(SecretStore, RefusesWhatTheServicesWould) {
  auto directory = sys::TemporaryDirectory::make(testing::TempDir(), "berth-secrets-");
  SecretStore store(directory->path());
  ManualClock clock;
  SeededRng rng(1);
  auto put = [&](const std::string& name, const std::string& value) {
    return store.put({SecretKind::kSecret, name}, Secret(value), Env{clock, rng});
  };
  EXPECT_FALSE(put("", "v"));
  EXPECT_FALSE(put("a b", "v"));
  EXPECT_FALSE(put(std::string(kSecretNameMax + 1, 'a'), "v"));
  EXPECT_TRUE(put(std::string(kSecretNameMax, 'a'), std::string(kSecretValueMax, 'v')));
  EXPECT_FALSE(put("a", std::string(kSecretValueMax + 1, 'v')));
  EXPECT_FALSE(put("a", ""));
}

TEST(SecretStore, StagesMoveAndVersionsThatHaveOneStay) {
  auto directory = sys::TemporaryDirectory::make(testing::TempDir(), "berth-secrets-");
  SecretStore store(directory->path());
  ManualClock clock;
  SeededRng rng(1);
  Env env{clock, rng};
  SecretName name{SecretKind::kSecret, "a"};
  std::string first = store.put(name, Secret("1"), env)->id;
  ASSERT_TRUE(store.change(name, env, [&](std::optional<StoredSecret>& secret) -> Status {
    secret->move_stage("mine", *secret->find_version(first));
    return {};
  }));
  std::string id;
  for (size_t i = 0; i < kSecretVersionsMax + 5; ++i) id = store.put(name, Secret("n"), env)->id;
  auto secret = *store.find(name, clock.wall());
  EXPECT_EQ(secret->versions.size(), kSecretVersionsMax);
  ASSERT_NE(secret->find_version(first), nullptr) << "it has a stage";
  EXPECT_THAT(secret->find_version(first)->stages, ElementsAre("mine"));
  EXPECT_EQ(secret->find_stage(kStageCurrent)->id, id);
  EXPECT_EQ((*store.get(name, {.stage = "mine"}))->value.reveal(), "1");
  auto refused = store.change(name, env, [&](std::optional<StoredSecret>& stored) -> Status {
    stored.reset();
    return fail(Errc::kInvalid, "no");
  });
  EXPECT_FALSE(refused);
  EXPECT_TRUE(*store.find(name, clock.wall())) << "an error changes nothing";
}

TEST(SecretStore, WhatIsMarkedForDeletionHasNoValuesAndGoesInTime) {
  auto directory = sys::TemporaryDirectory::make(testing::TempDir(), "berth-secrets-");
  SecretStore store(directory->path());
  ManualClock clock;
  SeededRng rng(1);
  Env env{clock, rng};
  SecretName name{SecretKind::kSecret, "a"};
  ASSERT_TRUE(store.put(name, Secret("1"), env));
  ASSERT_TRUE(store.change(name, env, [&](std::optional<StoredSecret>& secret) -> Status {
    secret->deleted_at = format_rfc3339(clock.wall());
    secret->purged_at = format_rfc3339(clock.wall() + std::chrono::hours(24));
    return {};
  }));
  EXPECT_THAT(store.get(name, {}).error().text, HasSubstr("marked for deletion"));
  EXPECT_FALSE(store.put(name, Secret("2"), env));
  EXPECT_EQ(store.list(clock.wall())->size(), 1U);
  clock.advance(std::chrono::hours(24));
  EXPECT_TRUE(store.list(clock.wall())->empty());
  EXPECT_FALSE(*store.find(name, clock.wall()));
  ASSERT_TRUE(store.purge(clock.wall()));
  EXPECT_EQ(sys::list_directory(directory->path() + "/secrets")->size(), 2U) << "key and lock";
}

TEST(SecretFile, OfTheVersionBeforeIsRead) {
  std::string text = R"({"version": 1, "kind": "parameter", "name": "/a", "versions": [
    {"id": "2", "stage": "AWSCURRENT", "createdAt": "2026-11-26T10:00:00Z", "sealed": "00ff"},
    {"id": "1", "stage": "AWSPREVIOUS", "createdAt": "2026-11-25T10:00:00Z", "sealed": "01"}]})";
  StoredSecret parameter = parse_secret_file(text, "f").value();
  EXPECT_EQ(parameter.versions[0].number, 2U);
  EXPECT_EQ(parameter.created_at, "2026-11-25T10:00:00Z");
  EXPECT_EQ(parameter.suffix.size(), 6U);
  EXPECT_EQ(choose_version(parameter, {})->id, "2");
  StoredSecret again = parse_secret_file(render_secret_file(parameter), "f").value();
  EXPECT_EQ(again.versions[0].sealed, std::string("\x00\xff", 2));
  EXPECT_EQ(again.suffix, parameter.suffix);
  EXPECT_FALSE(parse_secret_file(R"({"version": 3})", "f"));
}

}  // namespace
}  // namespace berth::secrets
