#include "netns/nft_program.h"

#include "sys/spawn.h"

namespace berth::netns {
namespace {

constexpr const char* kNft = "nft";

}  // namespace

Status commit_rules(const std::string& rules, std::vector<std::pair<int, int>> descriptors) {
  sys::Program program;
  program.path = kNft;
  program.arguments = {kNft, "-f", "-"};
  program.descriptors = std::move(descriptors);
  auto output = TRY(sys::run_program(program, rules));
  if (output.status.shell_code() == 0) return {};
  return fail(Errc::kSystem, "nft -f: exit {}: {}", output.status.shell_code(), output.err);
}

}  // namespace berth::netns
