#include "scheduler/finding.h"

namespace berth::scheduler {

std::string render(const Finding& finding) {
  return finding.path + ": " + finding.message;
}

tl::unexpected<Error> fail_with(const std::string& name, const Findings& findings) {
  std::string text;
  for (const Finding& finding : findings) {
    if (!text.empty()) text += '\n';
    text += name + ": " + render(finding);
  }
  return tl::unexpected<Error>(Error{Errc::kInvalid, 0, std::move(text)});
}

}  // namespace berth::scheduler
