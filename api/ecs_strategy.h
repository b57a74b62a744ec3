// Capacity provider strategies: who runs how many tasks. This host offers Fargate's two providers.
#pragma once

#include "api/ecs_operations.h"

#include <string>
#include <string_view>
#include <vector>

namespace berth::api::ecs {

struct StrategyItem {
  std::string provider{};
  int64_t weight = 0;
  int64_t base = 0;
};
using Strategy = std::vector<StrategyItem>;

// "FARGATE" or "FARGATE_SPOT".
bool is_provider(std::string_view name);

// The member `key`, checked; its providers are among `providers`.
Strategy read_strategy(Ask& ask, std::string_view key, const std::vector<std::string>& providers);
// What render_strategy wrote; empty for "".
Strategy parse_strategy(const std::string& text);
std::string render_strategy(const Strategy& strategy);  // "" for an empty one

// The provider of each of `count` tasks: bases first, then by weights.
std::vector<std::string> providers_of(const Strategy& strategy, size_t count);

}  // namespace berth::api::ecs
