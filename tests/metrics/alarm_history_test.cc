#include "metrics/alarm_history.h"

#include "metrics/alarm_book.h"
#include "sys/file.h"

#include <fcntl.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <nlohmann/json.hpp>

#include <csignal>

namespace berth::metrics {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int64_t kHistoryNow = 1700000040;

class AlarmHistoryTest : public testing::Test {
 protected:
  AlarmHistoryTest() {
    alarm_.name = "cpu";
    alarm_.metric = {"App", "Load", {{"Host", "a"}}};
    alarm_.statistic = "p99";
    alarm_.threshold = 10;
    alarm_.comparison = "GreaterThanThreshold";
    alarm_.alarm_actions = {"called", "kept"};
    alarm_.ok_actions = {"kept"};
    alarm_.configured_at = kHistoryNow;
  }

  AlarmBook open() {
    AlarmBook book = AlarmBook::open(directory_.path()).value();
    book.ask_about_actions([](const AlarmBase&, const std::string& action) {
      return std::string(action == "called" ? "" : "nobody is there");
    });
    return book;
  }
  static std::vector<std::string> told(const AlarmBook& book) {
    std::vector<std::string> summaries;
    for (const HistoryItem& item : book.history().items()) summaries.push_back(item.summary);
    return summaries;
  }
  static nlohmann::json data_of(const HistoryItem& item) {
    return nlohmann::json::parse(item.data);
  }
  std::string path() const { return directory_.path() + "/metrics/alarm-history.log"; }
  void append(const std::string& text) {
    auto fd = sys::create(path(), O_WRONLY | O_APPEND, 0600);
    ASSERT_TRUE(fd);
    ASSERT_TRUE(sys::write_all(fd->get(), text));
  }

  sys::TemporaryDirectory directory_ =
      sys::TemporaryDirectory::make("/tmp", "berth-history-").value();
  Alarm alarm_;
};

// No file takes any byte while it lives.
class FullDisk {
 public:
  FullDisk() : heard_(std::signal(SIGXFSZ, SIG_IGN)) {
    EXPECT_EQ(::getrlimit(RLIMIT_FSIZE, &before_), 0);
    struct rlimit none = {.rlim_cur = 0, .rlim_max = before_.rlim_max};
    EXPECT_EQ(::setrlimit(RLIMIT_FSIZE, &none), 0);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;
  ~FullDisk() {
    EXPECT_EQ(::setrlimit(RLIMIT_FSIZE, &before_), 0);
    std::signal(SIGXFSZ, heard_);
  }

 private:
  struct rlimit before_ = {};
  void (*heard_)(int);
};

HistoryItem history_item(uint64_t number, const std::string& alarm, int64_t at) {
  return {.number = number, .alarm = alarm, .at = at, .kind = "Action", .summary = "s", .data = ""};
}

TEST_F(AlarmHistoryTest, TellsWhatHasBecomeOfAnAlarm) {
  AlarmBook book = open();
  ASSERT_TRUE(book.put(alarm_));
  ASSERT_TRUE(book.set_state("cpu", {AlarmState::kAlarm, "high", R"({"n":1})"}, kHistoryNow + 1));
  ASSERT_TRUE(book.set_state("cpu", {AlarmState::kAlarm, "still", ""}, kHistoryNow + 2));
  ASSERT_TRUE(book.set_state("cpu", {AlarmState::kOk, "low", "no JSON"}, kHistoryNow + 3));
  Alarm again = book.alarms().at("cpu");
  again.threshold = 20;
  ASSERT_TRUE(book.put(again));
  ASSERT_TRUE(book.remove({"cpu"}, kHistoryNow + 5));
  EXPECT_THAT(told(book),
              ElementsAre("Alarm \"cpu\" created", "Alarm updated from INSUFFICIENT_DATA to ALARM",
                          "Successfully executed action called",
                          "Failed to execute action kept. Received error: \"nobody is there\"",
                          "Alarm updated from ALARM to OK",
                          "Failed to execute action kept. Received error: \"nobody is there\"",
                          "Alarm \"cpu\" updated", "Alarm \"cpu\" deleted"));
  const auto& items = book.history().items();
  nlohmann::json created = data_of(items[0]);
  EXPECT_EQ(created["type"], "Create");
  EXPECT_EQ(created["createdAlarm"]["extendedStatistic"], "p99");
  EXPECT_EQ(created["createdAlarm"]["dimensions"][0]["value"], "a");
  nlohmann::json raised = data_of(items[1]);
  EXPECT_EQ(raised["oldState"]["stateReason"], "Unchecked: Initial alarm creation");
  EXPECT_EQ(raised["newState"]["stateReasonData"]["n"], 1);
  EXPECT_EQ(data_of(items[2])["actionState"], "Succeeded");
  EXPECT_EQ(data_of(items[3])["error"], "nobody is there");
  EXPECT_EQ(data_of(items[4])["newState"]["stateReasonData"], "no JSON");
  EXPECT_EQ(data_of(items[4])["oldState"]["stateReason"], "still");
  EXPECT_EQ(data_of(items[6])["updatedAlarm"]["threshold"], 20);
  EXPECT_EQ(data_of(items[7])["type"], "Delete");
  EXPECT_EQ(items[4].at, kHistoryNow + 3);
  EXPECT_EQ(told(open()), told(book)) << "also of an alarm that is gone";
}

TEST_F(AlarmHistoryTest, NoActionIsDueWhenTheyAreNotEnabled) {
  AlarmBook book = open();
  alarm_.actions_enabled = false;
  ASSERT_TRUE(book.put(alarm_));
  ASSERT_TRUE(book.set_state("cpu", {AlarmState::kAlarm, "high", ""}, kHistoryNow));
  EXPECT_THAT(told(book), ElementsAre("Alarm \"cpu\" created",
                                      "Alarm updated from INSUFFICIENT_DATA to ALARM"));
}

TEST_F(AlarmHistoryTest, CompositeAlarmsAreToldOfTogetherWithThoseThatChangeThem) {
  AlarmBook book = open();
  ASSERT_TRUE(book.put(alarm_));
  CompositeAlarm above;
  above.name = "above";
  above.rule_text = "ALARM(cpu)";
  above.rule = AlarmRule::parse(above.rule_text).value();
  ASSERT_TRUE(book.put(above, kHistoryNow));
  ASSERT_TRUE(book.set_state("cpu", {AlarmState::kAlarm, "high", ""}, kHistoryNow));
  std::vector<std::string> summaries;
  for (const HistoryItem& item : book.history().items()) {
    if (item.is_composite) summaries.push_back(item.summary);
  }
  EXPECT_THAT(summaries,
              ElementsAre("Alarm \"above\" created", "Alarm updated from INSUFFICIENT_DATA to OK",
                          "Alarm updated from OK to ALARM"));
}

TEST_F(AlarmHistoryTest, WhatADeathHasKeptFromTheHistoryComesAtTheNextStart) {
  {
    AlarmBook book = open();
    ASSERT_TRUE(book.put(alarm_));
    ASSERT_TRUE(book.set_state("cpu", {AlarmState::kAlarm, "high", ""}, kHistoryNow));
  }
  AlarmBook whole = open();
  // As if we had died behind the alarms and before the history, in the middle of a line.
  std::string text = sys::read_file(path(), 1 << 20).value();
  size_t first = text.find('\n') + 1;
  ASSERT_TRUE(sys::write_atomic(path(), text.substr(0, first + 10), 0600));
  AlarmBook again = open();
  EXPECT_EQ(again.history().items(), whole.history().items());
  EXPECT_EQ(open().history().items(), whole.history().items());
}

TEST_F(AlarmHistoryTest, AFullDiskKeepsNobodyFromStarting) {
  {
    AlarmBook book = open();
    ASSERT_TRUE(book.put(alarm_));
    ASSERT_TRUE(book.set_state("cpu", {AlarmState::kAlarm, "high", ""}, kHistoryNow));
  }
  AlarmBook whole = open();
  std::string text = sys::read_file(path(), 1 << 20).value();
  std::string alarms = sys::read_file(directory_.path() + "/metrics/alarms.json", 1 << 20).value();
  for (size_t behind : {0, 10}) {  // a line is missing, or half there
    ASSERT_TRUE(sys::write_atomic(path(), text.substr(0, text.find('\n') + 1 + behind), 0600));
    AlarmBook again = [this] {
      FullDisk disk;
      return open();
    }();
    EXPECT_EQ(again.history().items().size(), 1U);
    EXPECT_EQ(again.alarms().size(), 1U);
    ASSERT_TRUE(again.set_state("cpu", {AlarmState::kAlarm, "still", ""}, kHistoryNow));
    EXPECT_EQ(again.history().items(), whole.history().items());
    EXPECT_EQ(open().history().items(), whole.history().items());
    ASSERT_TRUE(sys::write_atomic(directory_.path() + "/metrics/alarms.json", alarms, 0600));
  }
}

TEST_F(AlarmHistoryTest, WhatTheHistoryCouldNotTakeComesWithTheNextChange) {
  AlarmBook book = open();
  ASSERT_TRUE(book.put(alarm_));
  ASSERT_TRUE(sys::remove_file(path()));
  ASSERT_TRUE(sys::make_directories(path(), 0700));
  ASSERT_TRUE(book.set_state("cpu", {AlarmState::kOk, "low", ""}, kHistoryNow))
      << "the change is durable all the same";
  EXPECT_EQ(book.history().items().size(), 1U);
  ASSERT_TRUE(sys::remove_tree(path()));
  ASSERT_TRUE(book.set_state("cpu", {AlarmState::kAlarm, "high", ""}, kHistoryNow));
  EXPECT_EQ(told(book).size(), 6U);
  EXPECT_EQ(told(open()), told(book));
}

TEST_F(AlarmHistoryTest, WhatWaitsForTheHistoryHasABound) {
  AlarmBook book = open();
  alarm_.alarm_actions = alarm_.ok_actions = std::vector<std::string>(100, "kept");
  ASSERT_TRUE(book.put(alarm_));
  ASSERT_TRUE(sys::remove_file(path()));
  ASSERT_TRUE(sys::make_directories(path(), 0700));
  for (int i = 0; i < 10; ++i) {  // 101 items each
    AlarmState state = i % 2 == 0 ? AlarmState::kAlarm : AlarmState::kOk;
    ASSERT_TRUE(book.set_state("cpu", {state, "by hand", ""}, kHistoryNow + i));
  }
  ASSERT_TRUE(sys::remove_tree(path()));
  AlarmBook again = open();
  EXPECT_EQ(again.history().items().size(), 1000U);
  EXPECT_EQ(again.history().items().back().at, kHistoryNow + 9) << "the latest of them";
}

TEST_F(AlarmHistoryTest, WhatWaitsForTheHistoryHasABoundInBytes) {
  AlarmBook book = open();
  ASSERT_TRUE(sys::remove_file(path()));
  ASSERT_TRUE(sys::make_directories(path(), 0700));
  alarm_.description.assign(5 * 1024 * 1024, 'x');
  ASSERT_TRUE(book.put(alarm_));
  ASSERT_TRUE(book.put(alarm_));
  ASSERT_TRUE(book.put(alarm_));
  ASSERT_TRUE(sys::remove_tree(path()));
  EXPECT_THAT(told(open()), ElementsAre("Alarm \"cpu\" updated", "Alarm \"cpu\" updated"))
      << "one that waited, and one of the change itself";
}

TEST_F(AlarmHistoryTest, AllThatOneChangeSaysIsTold) {
  AlarmBook book = open();
  ASSERT_TRUE(book.put(alarm_));
  CompositeAlarm above;
  above.rule_text = "ALARM(cpu)";
  above.rule = AlarmRule::parse(above.rule_text).value();
  above.alarm_actions = std::vector<std::string>(100, "kept");
  for (int i = 0; i < 11; ++i) {
    above.name = "above " + std::to_string(i);
    ASSERT_TRUE(book.put(above, kHistoryNow));
  }
  size_t before = book.history().items().size();
  ASSERT_TRUE(book.set_state("cpu", {AlarmState::kAlarm, "high", ""}, kHistoryNow));
  EXPECT_EQ(book.history().items().size(), before + 3 + 11 * 101U);
  EXPECT_EQ(open().history().items(), book.history().items());
}

TEST_F(AlarmHistoryTest, HasBounds) {
  ASSERT_TRUE(sys::make_directories(directory_.path() + "/metrics", 0700));
  AlarmHistory history = AlarmHistory::open(directory_.path()).value();
  std::vector<HistoryItem> items = {history_item(1, "other", kHistoryNow)};
  for (uint64_t i = 0; i < kHistoryOfAlarmMax + 5; ++i) {
    items.push_back(history_item(i + 2, "cpu", kHistoryNow));
  }
  ASSERT_TRUE(history.add(items, kHistoryNow));
  EXPECT_EQ(history.items().size(), kHistoryOfAlarmMax + 1);
  EXPECT_EQ(history.items().front().alarm, "other");
  EXPECT_EQ(history.items()[1].number, 7U) << "the oldest of that alarm have gone";
  EXPECT_EQ(AlarmHistory::open(directory_.path())->items(), history.items());
  uint64_t next = history.last_number() + 1;
  int64_t later = kHistoryNow + kHistoryKeptSeconds + 1;
  ASSERT_TRUE(history.add({history_item(next, "cpu", later)}, later));
  EXPECT_EQ(history.items().size(), 1U);
  ASSERT_TRUE(history.add({history_item(next, "cpu", later)}, later)) << "it is there already";
  EXPECT_EQ(history.items().size(), 1U);
}

TEST_F(AlarmHistoryTest, OfAllAlarmsSoManyBytesAreKept) {
  ASSERT_TRUE(sys::make_directories(directory_.path() + "/metrics", 0700));
  AlarmHistory history = AlarmHistory::open(directory_.path()).value();
  constexpr size_t kBig = 1024 * 1024;
  for (uint64_t number = 1; number <= 40; ++number) {
    HistoryItem item = history_item(number, "cpu", kHistoryNow);
    item.data.assign(kBig, 'x');
    ASSERT_TRUE(history.add({item}, kHistoryNow));
  }
  EXPECT_EQ(history.items().size(), kHistoryBytesMax / kBig - 1);
  EXPECT_EQ(history.items().back().number, 40U);
  EXPECT_LT(sys::read_file(path(), 64 * kBig)->size(), 24 * kBig) << "the file does not grow on";
}

TEST_F(AlarmHistoryTest, WhatIsEscapedIsNotWrittenAnewAtEachChange) {
  ASSERT_TRUE(sys::make_directories(directory_.path() + "/metrics", 0700));
  AlarmHistory history = AlarmHistory::open(directory_.path()).value();
  auto inode = [this] {
    struct stat status = {};
    EXPECT_EQ(::stat(path().c_str(), &status), 0);
    return status.st_ino;
  };
  HistoryItem large = history_item(1, "cpu", kHistoryNow);
  large.data.assign(1024 * 1024, '\x01');  // 6 MiB in the file
  ASSERT_TRUE(history.add({large}, kHistoryNow));
  auto before = inode();
  ASSERT_TRUE(history.add({history_item(2, "cpu", kHistoryNow)}, kHistoryNow));
  EXPECT_EQ(inode(), before);
  AlarmHistory again = AlarmHistory::open(directory_.path()).value();
  ASSERT_TRUE(again.add({history_item(3, "cpu", kHistoryNow)}, kHistoryNow));
  EXPECT_EQ(inode(), before);
  EXPECT_EQ(again.items().size(), 3U);
}

TEST_F(AlarmHistoryTest, LongLinesAreReadAgain) {
  ASSERT_TRUE(sys::make_directories(directory_.path() + "/metrics", 0700));
  AlarmHistory history = AlarmHistory::open(directory_.path()).value();
  HistoryItem item = history_item(1, "cpu", kHistoryNow);
  item.data.assign(json::kTextMax + 1, 'x');
  ASSERT_TRUE(history.add({item}, kHistoryNow));
  EXPECT_EQ(AlarmHistory::open(directory_.path())->items(), history.items());
}

TEST_F(AlarmHistoryTest, OfAFileThatIsTooLongTheEndIsKept) {
  ASSERT_TRUE(sys::make_directories(directory_.path() + "/metrics", 0700));
  AlarmHistory history = AlarmHistory::open(directory_.path()).value();
  std::vector<HistoryItem> items;
  for (uint64_t number = 101; number <= 200; ++number) {
    items.push_back(history_item(number, "cpu", kHistoryNow));
  }
  ASSERT_TRUE(history.add(items, kHistoryNow));
  size_t bytes = sys::read_file(path(), 1 << 20)->size();
  size_t line = bytes / 100;
  constexpr size_t kLines = 10;
  AlarmHistory cut = AlarmHistory::open(directory_.path(), kLines * line + line / 2).value();
  ASSERT_EQ(cut.items().size(), kLines) << "whole lines only";
  EXPECT_EQ(cut.items().front().number, 191U);
  EXPECT_EQ(cut.last_number(), 200U);
  EXPECT_LE(sys::read_file(path(), 1 << 20)->size(), (kLines + 1) * line) << "written anew";
  ASSERT_TRUE(cut.add({history_item(201, "cpu", kHistoryNow)}, kHistoryNow));
  EXPECT_EQ(AlarmHistory::open(directory_.path())->items(), cut.items());
  // No line of it ends.
  ASSERT_TRUE(sys::write_atomic(path(), std::string(2 * bytes, 'x'), 0600));
  AlarmHistory none = AlarmHistory::open(directory_.path(), bytes).value();
  EXPECT_THAT(none.items(), IsEmpty());
  ASSERT_TRUE(none.add({history_item(1, "cpu", kHistoryNow)}, kHistoryNow));
  EXPECT_EQ(AlarmHistory::open(directory_.path())->items(), none.items());
}

TEST_F(AlarmHistoryTest, LinesThatAreNoneArePassedOver) {
  {
    AlarmBook book = open();
    ASSERT_TRUE(book.put(alarm_));
  }
  append("rubbish\n{\"number\": 1}\n{\"number\":");
  AlarmBook book = open();
  EXPECT_EQ(book.history().items().size(), 1U);
  ASSERT_TRUE(book.remove({"cpu"}, kHistoryNow));
  EXPECT_EQ(open().history().items().size(), 2U);
}

}  // namespace
}  // namespace berth::metrics
