// Who asks a service in JSON and knows whether it shall be answered or refused.
#pragma once

#include "api/service.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <string>

namespace berth::api {

class JsonAsker {
 protected:
  using json = nlohmann::json;

  virtual ~JsonAsker() = default;
  virtual Answer call(const std::string& operation, const json& body) = 0;

  json good(const std::string& operation, const json& body) {
    Answer answer = call(operation, body);
    EXPECT_TRUE(answer) << operation << ": " << answer.error().code << ": "
                        << answer.error().message;
    return answer ? json::parse(*answer) : json();
  }
  Refusal refusal(const std::string& operation, const json& body) {
    Answer answer = call(operation, body);
    EXPECT_FALSE(answer) << operation << " " << body << ": " << answer.value_or("");
    return answer ? Refusal{} : answer.error();
  }
  std::string code(const std::string& operation, const json& body) {
    return refusal(operation, body).code;
  }
};

}  // namespace berth::api
