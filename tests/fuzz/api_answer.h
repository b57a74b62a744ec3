// What every service of the API answers, whatever it is asked: JSON, or a refusal of the client's.
#pragma once

#include "api/service.h"
#include "base/json.h"
#include "tests/fuzz/fuzz.h"

namespace berth::fuzz {

inline void check_api_answer(const api::Answer& answer) {
  if (answer) {
    CHECK(json::Document::parse(*answer, {.name = "answer"}));
    return;
  }
  CHECK(answer.error().status == 400);
  CHECK(!answer.error().code.empty());
  if (!answer.error().message.empty()) check_line(answer.error().message);
}

}  // namespace berth::fuzz
