#include "api/ecs_strategy.h"

#include "api/ecs_shapes.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace berth::api::ecs {
namespace {

constexpr size_t kStrategyMax = 20;
constexpr int64_t kWeightMax = 1000;
constexpr int64_t kBaseMax = 100000;

void check_strategy(Ask& ask, const Strategy& strategy, const std::vector<std::string>& providers) {
  int64_t weights = 0;
  int bases = 0;
  for (const StrategyItem& item : strategy) {
    weights += item.weight;
    if (item.base > 0) ++bases;
    if (std::find(providers.begin(), providers.end(), item.provider) == providers.end()) {
      ask.invalid(
          "The specified capacity provider strategy cannot contain a capacity provider that is not "
          "associated with the cluster. Associate the capacity provider with the cluster or "
          "specify a valid capacity provider and try again.");
    }
  }
  if (bases > 1) {
    ask.invalid(
        "There are multiple capacity providers in the specified capacity provider strategy with a "
        "base value greater than zero. Only one capacity provider can have a base value greater "
        "than zero. Specify a valid capacity provider strategy and try again.");
  }
  if (!strategy.empty() && weights == 0) {
    ask.invalid(
        "There are no capacity providers in the capacity provider strategy with a weight value "
        "greater than zero. Specify a weight value greater than zero for at least one capacity "
        "provider and try again.");
  }
}

}  // namespace

bool is_provider(std::string_view name) {
  return name == "FARGATE" || name == "FARGATE_SPOT";
}

Strategy read_strategy(Ask& ask, std::string_view key, const std::vector<std::string>& providers) {
  Strategy strategy;
  std::vector<json::Node> items = ask.objects(key, kStrategyMax);
  for (const json::Node& node : items) {
    StrategyItem item;
    item.provider = ask.required_text(node, "capacityProvider");
    // A provider alone has a weight of 1.
    auto weight = ask.number(node, "weight", {0, kWeightMax});
    item.weight = weight.value_or(items.size() == 1 ? 1 : 0);
    item.base = ask.number(node, "base", {0, kBaseMax}).value_or(0);
    strategy.push_back(std::move(item));
  }
  if (!ask.refused()) check_strategy(ask, strategy, providers);
  return strategy;
}

Strategy parse_strategy(const std::string& text) {
  Strategy strategy;
  for (const Json& each : stored_json(text)) {
    strategy.push_back({.provider = each.value("capacityProvider", ""),
                        .weight = each.value("weight", int64_t{0}),
                        .base = each.value("base", int64_t{0})});
  }
  return strategy;
}

std::string render_strategy(const Strategy& strategy) {
  if (strategy.empty()) return "";
  Json list = Json::array();
  for (const StrategyItem& item : strategy) {
    list.push_back(
        {{"capacityProvider", item.provider}, {"weight", item.weight}, {"base", item.base}});
  }
  return list.dump();
}

// Each further task goes to whom it brings nearest to its share.
std::vector<std::string> providers_of(const Strategy& strategy, size_t count) {
  std::vector<std::string> chosen;
  for (const StrategyItem& item : strategy) {
    for (int64_t i = 0; i < item.base && chosen.size() < count; ++i)
      chosen.push_back(item.provider);
  }
  std::vector<int64_t> given(strategy.size(), 0);
  while (chosen.size() < count) {
    size_t best = strategy.size();
    for (size_t i = 0; i < strategy.size(); ++i) {
      if (strategy[i].weight == 0) continue;
      bool is_better = best == strategy.size() || (given[i] + 1) * strategy[best].weight <
                                                      (given[best] + 1) * strategy[i].weight;
      if (is_better) best = i;
    }
    if (best == strategy.size()) break;  // cannot be: a strategy has a weight
    ++given[best];
    chosen.push_back(strategy[best].provider);
  }
  return chosen;
}

}  // namespace berth::api::ecs
