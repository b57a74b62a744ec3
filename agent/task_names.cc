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

  void add_address(const std::string& name, Ipv4 address) {
    add(name + "." + suffix_, dns::address_value(address));
  }
  void add_host(const std::string& host, Ipv4 address) {
    auto name = dns::Name::parse(host);
    if (!name) return;
    add(host, dns::address_value(address));
    add(dns::Name::reverse_of(address).to_text(), dns::pointer_value(*name));
  }
  std::vector<runtime::NamePlan> take() { return std::move(names_); }

 private:
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
    names.add_address(family, task->address.address);
    names.add_address(facts.task.id + "." + family, task->address.address);
  }
  for (const ContainerDefinition& container : facts.task.definition.container_definitions) {
    const netns::Endpoint* network = network_of(facts, container.name);
    if (network == nullptr) continue;
    names.add_address(container.name + "." + family, network->address.address);
  }
  for (const netns::Endpoint& network : facts.networks) {
    Ipv4 address = network.address.address;
    names.add_host(netns::render_hostname(address, facts.region), address);
  }
  return names.take();
}

}  // namespace berth::agent
