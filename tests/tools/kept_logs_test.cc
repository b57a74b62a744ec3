#include "tools/kept_logs.h"

#include "logs/log_store.h"
#include "sys/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace berth::tools {
namespace {

using testing::ElementsAre;
using testing::Pair;

constexpr const char* kTaskOfLogs = "0123456789abcdef0123456789abcdef";

class KeptLogs : public testing::Test {
 protected:
  KeptLogs() { config_.root = directory_.path(); }
  // The path of its events.
  std::string make_stream(const std::string& region, const std::string& group,
                          const std::string& stream) const {
    logs::LogStore store(config_.root, region);
    (void)store.create_group(group, WallTime());  // it may be there
    EXPECT_TRUE(store.create_stream(group, stream, WallTime()));
    return store.events_path(group, stream);
  }

  sys::TemporaryDirectory directory_ =
      sys::TemporaryDirectory::make("/tmp", "berth-kept-logs-").value();
  agent::Config config_;
};

TEST_F(KeptLogs, AreThoseOfAllContainersInAllGroups) {
  std::string id = kTaskOfLogs;
  std::string web = make_stream("eu-west-1", "/a", "p/web/" + id);
  std::string side = make_stream("eu-west-1", "/b", "p/of/side/" + id);
  std::string copy = make_stream("eu-west-2", "/a", "other/web/" + id);
  make_stream("eu-west-1", "/a", "p/web/" + std::string(32, 'f'));
  auto kept = find_kept_logs(config_, id.substr(0, 8), nullptr);
  ASSERT_TRUE(kept) << kept.error().text;
  EXPECT_EQ(kept->info.id, id);
  EXPECT_THAT(agent::log_paths_of(*kept),
              ElementsAre(Pair("side", side), Pair("web", web), Pair("web", copy)));
}

TEST_F(KeptLogs, OthersOfTheTaskAreNamed) {
  std::string id = kTaskOfLogs;
  make_stream("eu-west-1", "/a", "p/web/" + id);
  std::string named = make_stream("eu-west-1", "/b", "0a1b");
  DaemonTask of_daemon{.id = id,
                       .containers = {{.name = "web"}, {.name = "plain"}, {.name = "side"}},
                       .streams = {{"0a1b", "side"}}};
  auto kept = find_kept_logs(config_, id, &of_daemon);
  ASSERT_TRUE(kept) << kept.error().text;
  EXPECT_EQ(agent::log_paths_of(*kept).find("side")->second, named);
  EXPECT_THAT(containers_without_logs(*kept, of_daemon), ElementsAre("plain"));
}

}  // namespace
}  // namespace berth::tools
