#include "agent/task_protection.h"

#include <gtest/gtest.h>

namespace berth::agent {
namespace {

TEST(TaskProtection, RequestsAreReadAsGoReadsThem) {
  EXPECT_EQ(parse_protection_request(R"({"protectionenabled": true, "ExpiresInMinutes": 60})"),
            (ProtectionRequest{true, 60}));
  EXPECT_EQ(parse_protection_request(R"({"ProtectionEnabled": null})"), ProtectionRequest{});
  EXPECT_EQ(parse_protection_request("null"), ProtectionRequest{});
  for (const char* body :
       {"", "{", "[]", "true", R"({"ProtectionEnabled": "true"})", R"({"ProtectionEnabled": 1})",
        R"({"ExpiresInMinutes": 1.5})", R"({"ExpiresInMinutes": "60"})",
        R"({"ExpiresInMinutes": 18446744073709551615})", R"({"Tasks": []})"}) {
    auto parsed = parse_protection_request(body);
    ASSERT_FALSE(parsed) << body;
    EXPECT_EQ(parsed.error().text, "UpdateTaskProtection: failed to decode request");
  }
}

TEST(TaskProtection, WhatStandsInTheWayIsToldInTheAgentsOrder) {
  ProtectionAsker poor{"arn", false};
  ProtectionAsker asker{"arn", true};
  EXPECT_EQ(refuse_protection(poor, ProtectionRequest{{}, 1})->status, 400);
  EXPECT_EQ(refuse_protection(poor, ProtectionRequest{true, 0})->status, 403);
  EXPECT_EQ(
      refuse_protection(poor, std::nullopt)->body,
      R"({"error":{"Arn":"arn","Code":"AccessDeniedException","Message":"Invalid Request: no )"
      R"(task IAM role credentials available for task"}})");
  EXPECT_FALSE(refuse_protection(asker, std::nullopt));
  for (int64_t minutes : {int64_t{1}, kProtectionMinutesMax}) {
    EXPECT_FALSE(refuse_protection(asker, ProtectionRequest{false, minutes}));
  }
  for (int64_t minutes : {int64_t{-1}, int64_t{0}, kProtectionMinutesMax + 1}) {
    EXPECT_EQ(refuse_protection(asker, ProtectionRequest{true, minutes})->status, 400);
  }
}

TEST(TaskProtection, ATaskOfNoServiceIsNotValid) {
  http::Response answer = standalone_protection({"arn", true});
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, R"({"failure":{"Arn":"arn","Detail":null,"Reason":"TASK_NOT_VALID"}})");
}

}  // namespace
}  // namespace berth::agent
