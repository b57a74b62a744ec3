// A scenario: some services, a node, users who change their minds, an agent whose tasks do what
// their image says, a store that refuses now and then and a scheduler that dies. All from one seed.
// Then the disturbances end, and every service must come to rest as it was asked for.
#pragma once

#include "sim/coverage.h"

#include <cstdint>
#include <string>
#include <vector>

namespace berth::sim {

// What is wrong; empty when nothing is. With `trace`, what happened is printed.
std::vector<std::string> run_scenario(uint64_t seed, Coverage& coverage, bool trace);

}  // namespace berth::sim
