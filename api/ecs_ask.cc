#include "api/ecs_ask.h"

#include <fmt/core.h>

#include <algorithm>
#include <limits>

namespace berth::api::ecs {
namespace {

constexpr size_t kFindingsShown = 5;  // of a task definition

}  // namespace

void Ask::client_error(const std::string& message) {
  refuse("ClientException", message);
}

std::vector<std::string> Ask::batch(std::string_view key, size_t max, std::string_view name) {
  std::vector<std::string> list = texts(key, std::numeric_limits<size_t>::max());
  if (list.size() <= max) return list;
  invalid(fmt::format("{} can have at most {} items.", name, max));
  return {};
}

// AWS says its text alone, and clients look for its beginning.
void Ask::refuse_findings(const scheduler::Findings& findings) {
  if (findings.empty()) return;
  std::string message;
  size_t shown = std::min(findings.size(), kFindingsShown);
  for (size_t i = 0; i < shown; ++i) {
    if (i > 0) message += "; ";
    message += fmt::format("{} ({})", findings[i].message, findings[i].path);
  }
  if (shown < findings.size()) message += fmt::format("; and {} more", findings.size() - shown);
  refuse(findings[0].exception, message);
}

}  // namespace berth::api::ecs
