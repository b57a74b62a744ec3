#include "scheduler/story.h"

#include "scheduler/core.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace berth::scheduler {
namespace {

using testing::HasSubstr;

class StoryTest : public testing::Test {
 protected:
  std::vector<StoryLine> story_after(const std::vector<Event>& events) {
    MemoryStore store;
    SeededRng rng(1);
    Core core(store, rng);
    for (const Event& event : events) {
      core.submit(event);
      EXPECT_TRUE(core.step(WallTime()).has_value());
    }
    std::vector<StoryLine> story;
    bool is_decided = false;
    for (const Change& change : store.history("t", 0)) {
      story.push_back(story_line_of(change, is_decided));
      is_decided = is_decided || !story.back().decision.empty();
    }
    return story;
  }

  static RunTaskRequested request() {
    TaskDefinition definition;
    definition.family = "web";
    for (const char* name : {"app", "side"}) {
      ContainerDefinition container;
      container.name = name;
      container.essential = std::string(name) == "app";
      definition.container_definitions.push_back(container);
    }
    return {"t", definition};
  }
};

TEST_F(StoryTest, TheFirstDecisionIsTheCauseOfTheEnd) {
  auto story =
      story_after({request(), ContainerStarted{"t", "app", {}}, ContainerStarted{"t", "side", {}},
                   ContainerExited{.task_id = "t", .container = "side", .exit_code = 0},
                   ContainerExited{.task_id = "t", .container = "app", .exit_code = 139},
                   StopRequested{.task_id = "t"}, TaskStopped{.task_id = "t"}});
  std::vector<std::string> decisions;
  for (const StoryLine& line : story) {
    if (!line.decision.empty()) decisions.push_back(line.text + " -> " + line.decision);
  }
  ASSERT_EQ(decisions.size(), 1U);
  EXPECT_THAT(decisions[0], HasSubstr("container app exited with code 139 (128 + 11: SIGSEGV"));
  EXPECT_THAT(decisions[0],
              HasSubstr("EssentialContainerExited: Essential container in task exited"));
  EXPECT_EQ(story.front().text, "asked to run web: app, side");
  EXPECT_EQ(story.front().event, "RunTaskRequested");
}

TEST_F(StoryTest, AFailedStartNamesItsStage) {
  auto story = story_after({request(), StartFailed{.task_id = "t",
                                                   .stage = StartStage::kPull,
                                                   .error_name = "CannotPullContainerError",
                                                   .text = "no such image",
                                                   .container = "app"}});
  EXPECT_EQ(story.back().container, "app");
  EXPECT_EQ(story.back().text,
            "container app could not be started (pull): CannotPullContainerError: no such image");
  EXPECT_THAT(story.back().decision, HasSubstr("TaskFailedToStart"));
}

TEST_F(StoryTest, TheEndRepeatsNoReasonThatItWasNot) {
  auto last = [&](const std::string& reason) {
    auto story = story_after({request(), ContainerStarted{"t", "app", {}}, StopRequested{"t"},
                              ContainerExited{.task_id = "t", .container = "app", .exit_code = 0},
                              TaskStopped{.task_id = "t", .reason = reason}});
    return story.back().text;
  };
  EXPECT_EQ(last(kEssentialExitedReason), "nothing of it runs any more");
  EXPECT_EQ(last("its supervisor was lost"),
            "nothing of it runs any more: its supervisor was lost");
}

TEST_F(StoryTest, AKillSaysWhoseItWas) {
  auto told = [&](std::optional<std::string> killed) {
    return story_after({request(), ContainerStarted{"t", "app", {}},
                        ContainerExited{.task_id = "t",
                                        .container = "app",
                                        .exit_code = 137,
                                        .killed = std::move(killed)}})
        .back()
        .text;
  };
  EXPECT_EQ(told("its stopTimeout of 5 s was over"),
            "container app exited with code 137 (128 + 9: SIGKILL, its stopTimeout of 5 s was "
            "over)");
  EXPECT_THAT(told(""), HasSubstr("neither by berth nor for its memory"));
  EXPECT_THAT(told(std::nullopt), HasSubstr("out of memory, or stopTimeout was over"));
}

TEST(ExitCodes, SayWhatTheirNumberMeans) {
  EXPECT_EQ(meaning_of_exit_code(0), "");
  EXPECT_EQ(meaning_of_exit_code(3), "");
  EXPECT_THAT(meaning_of_exit_code(127), HasSubstr("did not find"));
  EXPECT_THAT(meaning_of_exit_code(143), HasSubstr("SIGTERM"));
}

}  // namespace
}  // namespace berth::scheduler
