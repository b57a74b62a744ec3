#include "tools/event_feed.h"

#include "scheduler/core.h"
#include "scheduler/definition_source.h"
#include "scheduler/store.h"
#include "sys/clock.h"
#include "tools/rule_figures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace berth::tools {
namespace {

using FedJson = nlohmann::json;
using testing::ElementsAre;

class Feed : public testing::Test {
 protected:
  void push(const std::string& service) {
    feed_.add({.cluster = "c", .name = service}, {.message = "m", .cause = "why"});
  }
  // What is answered at once.
  FedJson ask(const std::string& query) {
    FedJson answer;
    feed_.answer({.method = "GET", .path = EventFeed::kPath, .query = query},
                 [&](const http::Response& response) { answer = FedJson::parse(response.body); });
    return answer;
  }
  static std::vector<std::string> names(const FedJson& page) {
    std::vector<std::string> names;
    for (const FedJson& event : page["events"]) names.push_back(event["service"]);
    return names;
  }

  sys::SystemClock clock_;
  std::unique_ptr<sys::Loop> loop_ = sys::Loop::make(clock_).value();
  SeededRng rng_{1};
  EventFeed feed_{*loop_, rng_};
};

TEST_F(Feed, GivesEachEventOnceInOrder) {
  FedJson page = ask("");
  EXPECT_TRUE(page["events"].empty());
  push("a");
  push("b");
  page = ask("after=" + page["cursor"].get<std::string>());
  EXPECT_THAT(names(page), ElementsAre("a", "b"));
  EXPECT_EQ(page["missed"], false);
  push("c");
  page = ask("after=" + page["cursor"].get<std::string>());
  EXPECT_THAT(names(page), ElementsAre("c"));
  EXPECT_THAT(names(ask("")), ElementsAre("a", "b", "c"));
}

TEST_F(Feed, WhoAsksForMoreWaits) {
  std::string cursor = ask("")["cursor"];
  FedJson answer;
  feed_.answer({.method = "GET", .path = EventFeed::kPath, .query = "after=" + cursor},
               [&](const http::Response& response) {
                 answer = FedJson::parse(response.body);
                 loop_->stop();
               });
  EXPECT_TRUE(answer.is_null());
  push("a");
  push("b");
  ASSERT_TRUE(loop_->run());
  EXPECT_THAT(names(answer), ElementsAre("a", "b"));
}

TEST_F(Feed, TellsWhatBecameOfRules) {
  feed_.add(api::RuleRun{.rule = "nightly", .target = "1", .cluster = "c", .tasks = 2});
  feed_.add(
      api::RuleRun{.rule = "nightly", .target = "1", .cluster = "c", .failure = "RESOURCE:MEMORY"});
  FedJson events = ask("")["events"];
  EXPECT_EQ(events[0]["event"], "RULE_RAN");
  EXPECT_EQ(events[0]["text"], "target 1: 2 tasks began");
  EXPECT_FALSE(events[0].contains("cause"));
  EXPECT_EQ(events[1]["event"], "RULE_FAILED");
  EXPECT_EQ(events[1]["rule"], "nightly");
  EXPECT_EQ(events[1]["cause"], "RESOURCE:MEMORY");
}

TEST(RuleFigures, CountInvocationsAndThoseThatFailed) {
  auto good = figures_of(api::RuleRun{.rule = "nightly", .at = WallTime(std::chrono::seconds(90))});
  ASSERT_EQ(good.size(), 1U);
  EXPECT_EQ(good[0].name,
            (metrics::MetricName{"AWS/Events", "Invocations", {{"RuleName", "nightly"}}}));
  EXPECT_EQ(good[0].at, 90);
  EXPECT_EQ(good[0].statistics.sum, 1);
  auto failed = figures_of(api::RuleRun{.rule = "nightly", .failure = "no"});
  ASSERT_EQ(failed.size(), 2U);
  EXPECT_EQ(failed[1].name.name, "FailedInvocations");
}

TEST_F(Feed, WhoCameTooLateIsToldSo) {
  std::string first = ask("")["cursor"];
  for (size_t i = 0; i < EventFeed::kKept + 3; ++i) push("s" + std::to_string(i));
  FedJson page = ask("after=" + first);
  EXPECT_EQ(page["missed"], true);
  EXPECT_EQ(page["events"].size(), EventFeed::kPageMax);
  EXPECT_EQ(page["events"][0]["service"], "s3");
  size_t count = page["events"].size();
  while (count < EventFeed::kKept) {
    page = ask("after=" + page["cursor"].get<std::string>());
    EXPECT_EQ(page["missed"], false);
    count += page["events"].size();
  }
  EXPECT_EQ(count, EventFeed::kKept);
  for (const char* strange :
       {"after=x", "after=", "after=ffff-1", "after=ffff-99999999999999999999"}) {
    EXPECT_EQ(ask(strange)["missed"], true) << strange;
  }
}

TEST_F(Feed, TellsOfTasksWhatTheirStoryTells) {
  scheduler::MemoryStore store;
  scheduler::Core core(store, rng_);
  core.watch([this](const scheduler::Change& change) { feed_.add(change); });
  scheduler::RunTaskRequested request{.task_id = "1234"};
  request.definition = scheduler::make_definition({R"({"family": "f", "containerDefinitions":
                             [{"name": "a", "image": "i", "memory": 64}]})",
                                                   "", "", ""},
                                                  scheduler::CpuArchitecture::kX86_64)
                           .value();
  core.submit(request);
  core.submit(scheduler::ContainerStarted{.task_id = "1234", .container = "a"});
  core.submit(scheduler::ContainerExited{.task_id = "1234", .container = "a", .exit_code = 3});
  ASSERT_TRUE(core.step(clock_.wall()));
  FedJson events = ask("")["events"];
  auto story = store.story("1234", 0).value();
  ASSERT_EQ(events.size(), story.size());
  for (size_t i = 0; i < story.size(); ++i) {
    EXPECT_EQ(events[i]["text"], story[i].text);
    EXPECT_EQ(events[i]["status"], story[i].status);
    EXPECT_EQ(events[i].value("decision", ""), story[i].decision);
  }
  EXPECT_EQ(events.back().value("decision", ""),
            "EssentialContainerExited: Essential container in task exited");
}

}  // namespace
}  // namespace berth::tools
