#include "netns/nft_program.h"

#include "sys/spawn.h"

namespace berth::netns {
namespace {

constexpr const char* kNft = "nft";

Status run_nft(sys::Program program, const std::string& rules) {
  program.path = kNft;
  program.arguments = {kNft, "-f", "-"};
  auto output = TRY(sys::run_program(std::move(program), rules));
  if (output.status.shell_code() == 0) return {};
  return fail(Errc::kSystem, "nft -f: exit {}: {}", output.status.shell_code(), output.err);
}

}  // namespace

Status commit_rules(const std::string& rules, std::vector<std::pair<int, int>> descriptors) {
  sys::Program program;
  program.descriptors = std::move(descriptors);
  return run_nft(std::move(program), rules);
}

Status commit_rules_inside(int network_namespace, const std::string& rules) {
  sys::Program program;
  program.network_namespace = network_namespace;
  return run_nft(std::move(program), rules);
}

}  // namespace berth::netns
