// Rules as text, committed by one run of nft(8).
#pragma once

#include "base/result.h"

#include <string>
#include <utility>
#include <vector>

namespace berth::netns {

// In the network namespace of this thread. One transaction: all of it or nothing. `descriptors` as
// in sys::Program: what the program holds for as long as it lives.
Status commit_rules(const std::string& rules, std::vector<std::pair<int, int>> descriptors);
// The same in another one (borrowed): only the program enters it.
Status commit_rules_inside(int network_namespace, const std::string& rules);

}  // namespace berth::netns
