#include "agent/task_names.h"

#include "dns/zone.h"
#include "netns/files.h"

#include <algorithm>

namespace berth::agent {
namespace {

using scheduler::ContainerDefinition;
using scheduler::NetworkMode;

class NameList {
 public:
  explicit NameList(std::string suffix) : suffix_(std::move(suffix)) {}

  void add_address(const std::string& name, const netns::Endpoint& network) {
    add_addresses(name + "." + suffix_, network);
  }
  void add_host(const std::string& host, const netns::Endpoint& network) {
    auto name = dns::Name::parse(host);
    if (!name) return;
    add_addresses(host, network);
    dns::RecordValue pointer = dns::pointer_value(*name);
    add(dns::Name::reverse_of(network.address.address).to_text(), pointer);
    if (network.address6) add(dns::Name::reverse_of(*network.address6).to_text(), pointer);
  }
  std::vector<runtime::NamePlan> take() { return std::move(names_); }

 private:
  void add_addresses(const std::string& text, const netns::Endpoint& network) {
    add(text, dns::address_value(network.address.address));
    if (network.address6) add(text, dns::address_value(*network.address6));
  }
  void add(const std::string& text, const dns::RecordValue& value) {
    auto name = dns::Name::parse(text);
    if (!name) return;
    runtime::NamePlan plan{name->plain_text().value_or(""), dns::render_record_value(value)};
    if (std::ranges::find(names_, plan) == names_.end()) names_.push_back(std::move(plan));
  }

  std::string suffix_;
  std::vector<runtime::NamePlan> names_;
};

const netns::Endpoint* network_of(const TaskNameFacts& facts, const std::string& container) {
  bool shared = facts.task.definition.network_mode == NetworkMode::kAwsvpc;
  auto found = std::ranges::find_if(facts.networks, [&](const netns::Endpoint& network) {
    return shared || network.container == container;
  });
  return found == facts.networks.end() ? nullptr : &*found;
}

const netns::Endpoint* network_of_task(const TaskNameFacts& facts) {
  for (const ContainerDefinition& container : facts.task.definition.container_definitions) {
    const netns::Endpoint* network = network_of(facts, container.name);
    if (container.essential && network != nullptr) return network;
  }
  return facts.networks.empty() ? nullptr : &facts.networks.front();
}

}  // namespace

std::vector<runtime::NamePlan> names_of_task(const TaskNameFacts& facts) {
  const std::string& family = facts.task.definition.family;
  NameList names(facts.domain);
  const netns::Endpoint* task = network_of_task(facts);
  if (task != nullptr) {
    names.add_address(family, *task);
    names.add_address(facts.task.id + "." + family, *task);
  }
  for (const ContainerDefinition& container : facts.task.definition.container_definitions) {
    const netns::Endpoint* network = network_of(facts, container.name);
    if (network == nullptr) continue;
    names.add_address(container.name + "." + family, *network);
  }
  for (const netns::Endpoint& network : facts.networks) {
    names.add_host(netns::render_hostname(network.address.address, facts.region), network);
  }
  return names.take();
}

}  // namespace berth::agent
