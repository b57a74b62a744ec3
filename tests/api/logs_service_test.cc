// CloudWatch Logs as SDKs ask it, over a store on the disk.
#include "api/logs_service.h"

#include "api/logs_operations.h"
#include "support/api_doc.h"
#include "support/json_service_fixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <array>

namespace berth::api {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr int64_t kStartMs = 1700000000000;  // of ManualClock
constexpr int64_t kOneDayMs = 86400000;

class LogsServiceTest : public JsonServiceTest {
 protected:
  Service& service() override { return service_; }

  void make_stream() {
    good("CreateLogGroup", {{"logGroupName", "/ecs/web"}});
    good("CreateLogStream", {{"logGroupName", "/ecs/web"}, {"logStreamName", "a/b/c"}});
  }
  json put(int64_t offset_ms, const std::vector<std::string>& messages) {
    json events = json::array();
    for (size_t i = 0; i < messages.size(); ++i) {
      events.push_back({{"timestamp", kStartMs + offset_ms + static_cast<int64_t>(i)},
                        {"message", messages[i]}});
    }
    return {{"logGroupName", "/ecs/web"}, {"logStreamName", "a/b/c"}, {"logEvents", events}};
  }

  LogsService service_{directory_.path(), clock_};
};

std::vector<std::string> messages_of(const json& answer) {
  std::vector<std::string> messages;
  for (const json& event : answer.at("events")) messages.push_back(event.at("message"));
  return messages;
}

TEST(LogsOperations, AreThoseOfTheDocument) {
  expect_documented(cwl::all_operations(), "logs-api.md");
}

TEST_F(LogsServiceTest, GroupsAreListedAsAmazonListsThem) {
  for (const char* name : {"/b", "/a/2", "/a/1"}) {
    good("CreateLogGroup", {{"logGroupName", name}, {"tags", {{"team", "blue"}}}});
  }
  EXPECT_EQ(code("CreateLogGroup", {{"logGroupName", "/b"}}), "ResourceAlreadyExistsException");
  EXPECT_EQ(code("CreateLogGroup", {{"logGroupName", "a b"}}), "InvalidParameterException");
  EXPECT_THAT(refusal("CreateLogGroup", {{"logGroupName", "c"}, {"kmsKeyId", "k"}}).message,
              HasSubstr("kmsKeyId"));
  json page = good("DescribeLogGroups", {{"limit", 2}});
  ASSERT_EQ(page["logGroups"].size(), 2U);
  EXPECT_EQ(page["logGroups"][0]["arn"], "arn:aws:logs:eu-west-1:123456789012:log-group:/a/1:*");
  EXPECT_EQ(page["logGroups"][0]["logGroupArn"],
            "arn:aws:logs:eu-west-1:123456789012:log-group:/a/1");
  page = good("DescribeLogGroups", {{"limit", 2}, {"nextToken", page["nextToken"]}});
  EXPECT_EQ(page["logGroups"][0]["logGroupName"], "/b");
  EXPECT_FALSE(page.contains("nextToken"));
  EXPECT_EQ(good("DescribeLogGroups", {{"logGroupNamePrefix", "/a"}})["logGroups"].size(), 2U);
  EXPECT_EQ(good("DescribeLogGroups", {{"logGroupNamePattern", "B"}})["logGroups"].size(), 1U);
  EXPECT_EQ(code("DescribeLogGroups", {{"limit", 51}}), "InvalidParameterException");
  good("DeleteLogGroup", {{"logGroupName", "/b"}});
  EXPECT_EQ(code("DeleteLogGroup", {{"logGroupName", "/b"}}), "ResourceNotFoundException");
}

TEST_F(LogsServiceTest, TagsAndRetentionAreKept) {
  make_stream();
  const std::string arn = "arn:aws:logs:eu-west-1:123456789012:log-group:/ecs/web";
  good("TagResource", {{"resourceArn", arn}, {"tags", {{"a", "1"}, {"b", "2"}}}});
  good("TagLogGroup", {{"logGroupName", "/ecs/web"}, {"tags", {{"b", "3"}}}});
  good("UntagResource", {{"resourceArn", arn + ":*"}, {"tagKeys", {"a"}}});
  EXPECT_EQ(good("ListTagsForResource", {{"resourceArn", arn}})["tags"],
            json::object({{"b", "3"}}));
  good("UntagLogGroup", {{"logGroupName", "/ecs/web"}, {"tags", {"b"}}});
  EXPECT_EQ(good("ListTagsLogGroup", {{"logGroupName", "/ecs/web"}})["tags"], json::object());
  EXPECT_EQ(code("TagResource", {{"resourceArn", arn}, {"tags", {{"aws:x", "1"}}}}),
            "InvalidParameterException");
  EXPECT_EQ(code("ListTagsForResource", {{"resourceArn", arn + "2"}}), "ResourceNotFoundException");
  EXPECT_EQ(code("PutRetentionPolicy", {{"logGroupName", "/ecs/web"}, {"retentionInDays", 2}}),
            "InvalidParameterException");
  good("PutRetentionPolicy", {{"logGroupName", "/ecs/web"}, {"retentionInDays", 3}});
  EXPECT_EQ(good("DescribeLogGroups", json::object())["logGroups"][0]["retentionInDays"], 3);
  good("PutLogEvents", put(0, {"old"}));
  clock_.advance(std::chrono::hours(3 * 24 + 1));
  EXPECT_EQ(messages_of(good("FilterLogEvents", {{"logGroupName", "/ecs/web"}})).size(), 0U);
  good("DeleteRetentionPolicy", {{"logGroupName", "/ecs/web"}});
  EXPECT_FALSE(
      good("DescribeLogGroups", json::object())["logGroups"][0].contains("retentionInDays"));
}

TEST_F(LogsServiceTest, StreamsAreOrderedByNameOrByTheirLastEvent) {
  good("CreateLogGroup", {{"logGroupName", "/ecs/web"}});
  for (const char* name : {"a/b/c", "a/z", "b"}) {
    good("CreateLogStream", {{"logGroupName", "/ecs/web"}, {"logStreamName", name}});
  }
  EXPECT_EQ(code("CreateLogStream", {{"logGroupName", "/ecs/web"}, {"logStreamName", "b"}}),
            "ResourceAlreadyExistsException");
  EXPECT_EQ(code("CreateLogStream", {{"logGroupName", "/none"}, {"logStreamName", "b"}}),
            "ResourceNotFoundException");
  good("PutLogEvents", put(5, {"x"}));
  auto names = [&](const json& more) {
    json body = {{"logGroupName", "/ecs/web"}};
    body.update(more);
    std::vector<std::string> found;
    json answer = good("DescribeLogStreams", body);
    for (const json& stream : answer["logStreams"]) {
      found.push_back(stream["logStreamName"]);
    }
    return found;
  };
  using testing::ElementsAre;
  EXPECT_THAT(names(json::object()), ElementsAre("a/b/c", "a/z", "b"));
  EXPECT_THAT(names({{"descending", true}, {"logStreamNamePrefix", "a"}}),
              ElementsAre("a/z", "a/b/c"));
  EXPECT_EQ(names({{"orderBy", "LastEventTime"}, {"descending", true}}).at(0), "a/b/c");
  json stream = good("DescribeLogStreams", {{"logGroupIdentifier", "/ecs/web"}, {"limit", 1}});
  json group = good("DescribeLogGroups", {{"logGroupNamePrefix", "/ecs/web"}})["logGroups"][0];
  EXPECT_EQ(good("DescribeLogStreams",
                 {{"logGroupIdentifier", group["logGroupArn"]}})["logStreams"][0]["logStreamName"],
            stream["logStreams"][0]["logStreamName"]);
  EXPECT_EQ(code("DescribeLogStreams", {{"logGroupIdentifier", group["arn"]}}),
            "InvalidParameterException");
  EXPECT_EQ(stream["logStreams"][0]["lastEventTimestamp"], kStartMs + 5);
  EXPECT_EQ(stream["logStreams"][0]["firstEventTimestamp"], kStartMs + 5);
  EXPECT_TRUE(stream.contains("nextToken"));
  EXPECT_EQ(code("DescribeLogStreams", {{"logGroupName", "/ecs/web"},
                                        {"orderBy", "LastEventTime"},
                                        {"logStreamNamePrefix", "a"}}),
            "InvalidParameterException");
  good("DeleteLogStream", {{"logGroupName", "/ecs/web"}, {"logStreamName", "b"}});
  EXPECT_THAT(names(json::object()), ElementsAre("a/b/c", "a/z"));
}

// What is expected of these was recorded from AWS (docs/conformance.md).
TEST_F(LogsServiceTest, GroupsAndRefusalsLookAsAmazonsDo) {
  for (const char* name : {"/ecs/web", "/ecs/db"}) good("CreateLogGroup", {{"logGroupName", name}});
  good("CreateLogStream", {{"logGroupName", "/ecs/web"}, {"logStreamName", "a"}});
  json stream = good("DescribeLogStreams", {{"logGroupName", "/ecs/web"}})["logStreams"][0];
  EXPECT_FALSE(stream.contains("uploadSequenceToken")) << "it has no events";
  json whole = good("DescribeLogGroups", {{"logGroupNamePrefix", "/ecs/web"}})["logGroups"][0];
  EXPECT_EQ(whole["deletionProtectionEnabled"], false);
  json found = good("DescribeLogGroups", {{"logGroupNamePattern", "web"}})["logGroups"][0];
  EXPECT_EQ(found["logGroupName"], "/ecs/web");
  EXPECT_FALSE(found.contains("storedBytes"));
  auto listed = [&](const std::string& pattern) {
    return good("ListLogGroups", {{"logGroupNamePattern", pattern}})["logGroups"];
  };
  EXPECT_EQ(listed("^/ecs/d").size(), 1U);
  EXPECT_EQ(listed("web|^/ecs/d").size(), 2U);
  EXPECT_EQ(listed("^web").size(), 0U);
  EXPECT_EQ(listed("web||").size(), 1U);
  EXPECT_EQ(listed("").size(), 2U);
  std::string letters;
  for (int i = 0; i < 255; ++i) letters += "\u00fc";  // two bytes each
  good("DescribeMetricFilters", {{"metricName", letters}});
  EXPECT_EQ(listed("b")[0], json::object({{"logGroupName", "/ecs/db"},
                                          {"logGroupArn",
                                           "arn:aws:logs:eu-west-1:123456789012:"
                                           "log-group:/ecs/db"},
                                          {"logGroupClass", "STANDARD"}}));
  const std::vector<std::array<std::string, 4>> refused = {
      {"CreateLogGroup", R"({"logGroupName": ")" + std::string(513, 'a') + "\"}",
       "InvalidParameterException",
       "Invalid LogGroup or LogStream, both must have length less than or equal to 512."},
      {"DescribeLogGroups", R"({"logGroupNamePrefix": "a", "logGroupNamePattern": "a"})",
       "InvalidParameterException",
       "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters."},
      {"DescribeLogStreams", R"({"logGroupName": "/ecs/web", "logGroupIdentifier": "/ecs/web"})",
       "ValidationException", "LogGroup name and LogGroup ARN are mutually exclusive parameters."},
      {"GetLogEvents", R"({"logGroupName": "/ecs/web", "logStreamName": "a", "limit": 10001})",
       "InvalidParameterException",
       "1 validation error detected: Value '10001' at 'limit' failed to satisfy constraint: Member "
       "must have value less than or equal to 10000"},
      {"DescribeMetricFilters", R"({"metricName": ")" + std::string(256, 'X') + "\"}",
       "InvalidParameterException",
       "1 validation error detected: Value '" + std::string(256, 'X') +
           "' at 'metricName' failed to satisfy constraint: Member must have length less than or "
           "equal to 255"},
      {"DeleteSubscriptionFilter", R"({"logGroupName": "/none", "filterName": "f"})",
       "ResourceNotFoundException", "The specified log group does not exist."},
      {"DeleteSubscriptionFilter", R"({"logGroupName": "/ecs/web", "filterName": "f"})",
       "ResourceNotFoundException", "The specified subscription filter does not exist."},
  };
  for (const auto& [operation, body, wanted_code, message] : refused) {
    Refusal refusal_of_it = refusal(operation, json::parse(body));
    EXPECT_EQ(refusal_of_it.code, wanted_code) << operation;
    EXPECT_EQ(refusal_of_it.message, message) << operation;
  }
}

TEST_F(LogsServiceTest, WhatIsPutMustBeInOrderAndOfOurTime) {
  make_stream();
  EXPECT_TRUE(good("PutLogEvents", put(0, {"a", "b"})).contains("nextSequenceToken"));
  json body = put(0, {"a", "b"});
  std::swap(body["logEvents"][0], body["logEvents"][1]);
  EXPECT_THAT(refusal("PutLogEvents", body).message, HasSubstr("chronological"));
  body = put(0, {"a", "b"});
  body["logEvents"][1]["timestamp"] = kStartMs + kOneDayMs + 1;
  EXPECT_THAT(refusal("PutLogEvents", body).message, HasSubstr("24 hours"));
  EXPECT_THAT(refusal("PutLogEvents", put(0, {std::string(1048576 - 25, 'x')})).message,
              HasSubstr("Upload too large: 1048577 bytes exceeds limit of 1048576"));
  good("PutLogEvents", put(0, {std::string(1048576 - 26, 'x')}));
  EXPECT_EQ(code("PutLogEvents", put(0, std::vector<std::string>(10001, "x"))),
            "InvalidParameterException");
  EXPECT_EQ(code("PutLogEvents", put(0, {})), "InvalidParameterException");
  EXPECT_EQ(code("PutLogEvents", put(0, {""})), "InvalidParameterException");
  body = put(0, {"a"});
  body["logStreamName"] = "none";
  EXPECT_EQ(code("PutLogEvents", body), "ResourceNotFoundException");
}

TEST_F(LogsServiceTest, WhatIsTooOldOrTooNewIsRejectedByItsPlace) {
  make_stream();
  good("PutRetentionPolicy", {{"logGroupName", "/ecs/web"}, {"retentionInDays", 7}});
  json old = put(-14 * kOneDayMs - 2, {"1", "2", "3", "4"});
  old["logEvents"][3]["timestamp"] = kStartMs - 14 * kOneDayMs + kOneDayMs - 2;
  json rejected = good("PutLogEvents", old)["rejectedLogEventsInfo"];
  EXPECT_EQ(rejected,
            json::object({{"tooOldLogEventEndIndex", 2}, {"expiredLogEventEndIndex", 4}}));
  json fresh = put(2 * 3600000 - 1, {"1", "2", "3"});
  EXPECT_EQ(good("PutLogEvents", fresh)["rejectedLogEventsInfo"],
            json::object({{"tooNewLogEventStartIndex", 2}}));
  EXPECT_EQ(messages_of(good("FilterLogEvents", {{"logGroupName", "/ecs/web"}})),
            (std::vector<std::string>{"1", "2"}));
}

TEST_F(LogsServiceTest, TokensLeadBothWaysAndStayAtTheEnds) {
  make_stream();
  json body = {{"logGroupName", "/ecs/web"}, {"logStreamName", "a/b/c"}, {"limit", 2}};
  json empty = good("GetLogEvents", body);
  EXPECT_EQ(empty["events"].size(), 0U);
  good("PutLogEvents", put(0, {"1", "2", "3", "4", "5"}));
  auto with = [&](const json& token) {
    json more = body;
    more["nextToken"] = token;
    return good("GetLogEvents", more);
  };
  using Texts = std::vector<std::string>;
  EXPECT_EQ(messages_of(with(empty["nextForwardToken"])), (Texts{"1", "2"}));
  json last = good("GetLogEvents", body);
  EXPECT_EQ(messages_of(last), (Texts{"4", "5"}));
  EXPECT_TRUE(last["nextForwardToken"].get<std::string>().starts_with("f/"));
  EXPECT_TRUE(last["nextBackwardToken"].get<std::string>().starts_with("b/"));
  json at_end = with(last["nextForwardToken"]);
  EXPECT_EQ(at_end["events"].size(), 0U);
  EXPECT_EQ(at_end["nextForwardToken"], last["nextForwardToken"]);
  EXPECT_EQ(messages_of(with(at_end["nextBackwardToken"])), (Texts{"3", "4"}))
      << "back from behind the last page";
  json middle = with(last["nextBackwardToken"]);
  EXPECT_EQ(messages_of(middle), (Texts{"2", "3"}));
  json first = with(middle["nextBackwardToken"]);
  EXPECT_EQ(messages_of(first), (Texts{"1"}));
  json before = with(first["nextBackwardToken"]);
  EXPECT_EQ(before["events"].size(), 0U);
  EXPECT_EQ(before["nextBackwardToken"], first["nextBackwardToken"]);
  EXPECT_EQ(messages_of(with(before["nextForwardToken"])), (Texts{"1", "2"}));
  body["startFromHead"] = true;
  json head = good("GetLogEvents", body);
  EXPECT_EQ(messages_of(head), (Texts{"1", "2"}));
  EXPECT_EQ(messages_of(with(head["nextForwardToken"])), (Texts{"3", "4"}));
  body["startTime"] = kStartMs + 1;
  body["endTime"] = kStartMs + 2;
  EXPECT_EQ(messages_of(good("GetLogEvents", body)), (Texts{"2"})) << "without the end";
  for (const char* token : {"x", "f/1/s", "f//s", "b/12/s/s"}) {
    body["nextToken"] = token;
    EXPECT_EQ(code("GetLogEvents", body), "InvalidParameterException") << token;
  }
}

TEST_F(LogsServiceTest, SearchesGoOverTheStreamsThatAreAskedFor) {
  make_stream();
  good("CreateLogStream", {{"logGroupName", "/ecs/web"}, {"logStreamName", "other"}});
  good("PutLogEvents", put(0, {"ERROR one", "fine", R"({"level": "ERROR", "n": 3})"}));
  json other = put(1, {"ERROR two"});
  other["logStreamName"] = "other";
  good("PutLogEvents", other);
  auto found = [&](const json& more) {
    json body = {{"logGroupName", "/ecs/web"}, {"interleaved", true}};
    body.update(more);
    return messages_of(good("FilterLogEvents", body));
  };
  using Texts = std::vector<std::string>;
  EXPECT_EQ(found(json::object()).size(), 4U);
  EXPECT_EQ(found({{"filterPattern", "ERROR -two"}, {"logStreamNames", {"a/b/c"}}}),
            (Texts{"ERROR one", R"({"level": "ERROR", "n": 3})"}));
  EXPECT_EQ(found({{"filterPattern", "{ $.n = 3 }"}}).size(), 1U);
  EXPECT_EQ(found({{"logStreamNamePrefix", "oth"}}), (Texts{"ERROR two"}));
  EXPECT_EQ(found({{"logStreamNamePrefix", "none"}}), (Texts{}));
  json page = good("FilterLogEvents", {{"logGroupName", "/ecs/web"}, {"limit", 3}});
  EXPECT_EQ(page["events"].size(), 3U);
  for (const char* member : {"eventId", "timestamp", "ingestionTime", "message", "logStreamName"}) {
    EXPECT_TRUE(page["events"][0].contains(member)) << member;
  }
  page = good("FilterLogEvents",
              {{"logGroupName", "/ecs/web"}, {"limit", 3}, {"nextToken", page["nextToken"]}});
  EXPECT_EQ(page["events"].size(), 1U);
  EXPECT_FALSE(page.contains("nextToken"));
  EXPECT_EQ(code("FilterLogEvents", {{"logGroupName", "/ecs/web"}, {"logStreamNames", {"none"}}}),
            "ResourceNotFoundException");
  EXPECT_EQ(code("FilterLogEvents", {{"logGroupName", "/none"}}), "ResourceNotFoundException");
  EXPECT_EQ(code("FilterLogEvents", {{"logGroupName", "/ecs/web"}, {"filterPattern", "{"}}),
            "InvalidParameterException");
  json tested = good("TestMetricFilter",
                     {{"filterPattern", "[a, b=2]"}, {"logEventMessages", {"1 2", "1 3"}}});
  EXPECT_EQ(tested["matches"].size(), 1U);
}

TEST_F(LogsServiceTest, ALiveTailTellsWhatComesUntilItIsEnded) {
  make_stream();
  const std::string arn = "arn:aws:logs:eu-west-1:123456789012:log-group:/ecs/web";
  json start = good("StartLiveTail", {{"logGroupIdentifiers", {arn}},
                                      {"logEventFilterPattern", "a"},
                                      {"logStreamNamePrefixes", {"a/"}}});
  EXPECT_EQ(start["logGroupIdentifiers"], json::array({arn}));
  EXPECT_EQ(start["logStreamNamePrefixes"], json::array({"a/"}));
  std::string id = start["sessionId"];
  EXPECT_EQ(id.size(), 36U);
  good("PutLogEvents", put(10, {"a1", "b", "a2"}));
  json update = json::parse(service_.look_at_tail(id).value());
  EXPECT_EQ(update["sessionMetadata"]["sampled"], false);
  ASSERT_EQ(update["sessionResults"].size(), 2U);
  EXPECT_EQ(update["sessionResults"][1], (json{{"logStreamName", "a/b/c"},
                                               {"logGroupIdentifier", arn},
                                               {"message", "a2"},
                                               {"timestamp", kStartMs + 12},
                                               {"ingestionTime", kStartMs}}));
  update = json::parse(service_.look_at_tail(id).value());
  EXPECT_EQ(update["sessionResults"].size(), 0U);
  service_.end_tail(id);
  EXPECT_EQ(service_.look_at_tail(id).error().code, Errc::kNotFound);

  EXPECT_EQ(code("StartLiveTail", json::object()), "InvalidParameterException");
  EXPECT_EQ(code("StartLiveTail", {{"logGroupIdentifiers", {"/none"}}}),
            "ResourceNotFoundException");
  std::vector<std::string> ids;
  for (size_t i = 0; i < cwl::kLiveTailsMax; ++i) {
    ids.push_back(good("StartLiveTail", {{"logGroupIdentifiers", {"/ecs/web"}}})["sessionId"]);
  }
  EXPECT_EQ(code("StartLiveTail", {{"logGroupIdentifiers", {"/ecs/web"}}}),
            "LimitExceededException");
  service_.end_tail(ids[3]);
  good("StartLiveTail", {{"logGroupIdentifiers", {"/ecs/web"}}});
}

TEST_F(LogsServiceTest, WhatIsNotThereIsRefusedInWords) {
  Refusal query = refusal("StartQuery", json::object());
  EXPECT_EQ(query.code, "InvalidParameterException");
  EXPECT_THAT(query.message, HasSubstr("FilterLogEvents"));
  EXPECT_EQ(code("PutSubscriptionFilter", json::object()), "InvalidParameterException");
  EXPECT_EQ(code("NoSuchThing", json::object()), "UnknownOperationException");
  EXPECT_EQ(code("CreateLogGroup", json::array()), "SerializationException");
}

}  // namespace
}  // namespace berth::api
