// A service of JSON over a store of its own, asked as SDKs ask it.
#pragma once

#include "api/service.h"
#include "base/env.h"
#include "sys/file.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <string>

namespace berth::api {

class JsonServiceTest : public testing::Test {
 protected:
  using json = nlohmann::json;

  virtual Service& service() = 0;

  Answer ask(const std::string& operation, const json& body) {
    Call call{.operation = operation, .body = body.dump(), .at = clock_.wall()};
    call.caller = {
        .account = "123456789012", .region = "eu-west-1", .arn = "arn:aws:iam::123456789012:root"};
    return service().answer(call);
  }
  json good(const std::string& operation, const json& body) {
    Answer answer = ask(operation, body);
    EXPECT_TRUE(answer) << operation << ": " << answer.error().code << " "
                        << answer.error().message;
    return answer ? json::parse(*answer) : json();
  }
  Refusal refusal(const std::string& operation, const json& body) {
    Answer answer = ask(operation, body);
    EXPECT_FALSE(answer) << operation << body << *answer;
    return answer ? Refusal{} : answer.error();
  }
  std::string code(const std::string& operation, const json& body) {
    return refusal(operation, body).code;
  }

  sys::TemporaryDirectory directory_ =
      sys::TemporaryDirectory::make("/tmp", "berth-service-").value();
  ManualClock clock_;
  SeededRng rng_{1};
};

}  // namespace berth::api
