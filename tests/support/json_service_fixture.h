// A service of JSON over a store of its own, asked as SDKs ask it.
#pragma once

#include "api/service.h"
#include "base/env.h"
#include "support/json_asker.h"
#include "sys/file.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <string>

namespace berth::api {

class JsonServiceTest : public testing::Test, protected JsonAsker {
 protected:
  virtual Service& service() = 0;

  Answer call(const std::string& operation, const json& body) override {
    Call asked{.operation = operation, .body = body.dump(), .at = clock_.wall()};
    asked.caller = {
        .account = "123456789012", .region = "eu-west-1", .arn = "arn:aws:iam::123456789012:root"};
    return service().answer(asked);
  }

  sys::TemporaryDirectory directory_ =
      sys::TemporaryDirectory::make("/tmp", "berth-service-").value();
  ManualClock clock_;
  SeededRng rng_{1};
};

}  // namespace berth::api
