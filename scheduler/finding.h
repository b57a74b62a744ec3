// What is wrong with an input, and where. All findings of an input are collected, so that a user
// mends a file once and not once per error; the first one is the headline.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <string>
#include <vector>

namespace berth::scheduler {

// Who would not take the definition.
enum class Refuser : uint8_t { kAws, kBerth };

struct Finding {
  std::string path{};                         // "containerDefinitions[0].cpu"
  std::string pointer{};                      // "/containerDefinitions/0/cpu", RFC 6901
  std::string message{};                      // AWS's own text where it has one
  std::string exception = "ClientException";  // the exception AWS answers with
  Refuser refused_by = Refuser::kAws;         // kBerth: AWS may well take it
  bool operator==(const Finding&) const = default;
};

using Findings = std::vector<Finding>;

// "path: message".
std::string render(const Finding& finding);

// One kInvalid error of all findings: "name: path: message", one line each.
tl::unexpected<Error> fail_with(const std::string& name, const Findings& findings);

}  // namespace berth::scheduler
