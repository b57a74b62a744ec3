#include "scheduler/finding.h"

#include "base/text.h"

namespace berth::scheduler {
namespace {

constexpr size_t kPathShown = 400;
constexpr size_t kMessageShown = 2000;

}  // namespace

// Both may quote the input, which may hold anything.
std::string render(const Finding& finding) {
  return printable(finding.path, kPathShown) + ": " + printable(finding.message, kMessageShown);
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
