#include "agent/task_info.h"

#include "base/json.h"

#include <nlohmann/json.hpp>

namespace berth::agent {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kTaskInfoVersion = 1;

Json render(const ContainerInfo& container) {
  return {{"name", container.name},
          {"image", container.image},
          {"imageDigest", container.image_digest},
          {"essential", container.essential},
          {"logPath", container.log_path}};
}

Json render(const AddressInfo& address) {
  Json json = {{"container", address.container}, {"address", address.address}};
  if (!address.ipv6.empty()) json["ipv6Address"] = address.ipv6;
  return json;
}

Json render(const PortInfo& port) {
  Json json = {{"container", port.container},
               {"hostAddress", port.host_address},
               {"hostPort", port.host_port},
               {"containerPort", port.container_port},
               {"protocol", port.protocol}};
  if (port.count != 1) json["count"] = port.count;
  return json;
}

template <class Item>
Json render_list(const std::vector<Item>& items) {
  Json list = Json::array();
  for (const Item& item : items) list.push_back(render(item));
  return list;
}

Result<ContainerInfo> read_container(const json::Node& node) {
  ContainerInfo container;
  container.name = TRY(node.string_at("name"));
  container.image = TRY(node.string_at("image"));
  container.image_digest = TRY(node.string_at("imageDigest"));
  container.essential = TRY(TRY(node.at("essential")).as_bool());
  container.log_path = TRY(node.find_string("logPath")).value_or("");
  return container;
}

Result<AddressInfo> read_address(const json::Node& node) {
  AddressInfo address;
  address.container = TRY(node.string_at("container"));
  address.address = TRY(node.string_at("address"));
  address.ipv6 = TRY(node.find_string("ipv6Address")).value_or("");
  return address;
}

Result<uint16_t> read_port_number(const json::Node& node, std::string_view key) {
  int64_t number = TRY(node.i64_at(key));
  if (number >= 0 && number <= UINT16_MAX) return static_cast<uint16_t>(number);
  return fail(Errc::kInvalid, "{}.{}: {} is no port", node.path(), key, number);
}

Result<PortInfo> read_port(const json::Node& node) {
  PortInfo port;
  port.container = TRY(node.string_at("container"));
  port.host_address = TRY(node.string_at("hostAddress"));
  port.host_port = TRY(read_port_number(node, "hostPort"));
  port.container_port = TRY(read_port_number(node, "containerPort"));
  port.protocol = TRY(node.string_at("protocol"));
  if (node.find("count")) port.count = TRY(read_port_number(node, "count"));
  return port;
}

template <class Item>
Status read_list(const json::Node& root, std::string_view key,
                 Result<Item> (*read)(const json::Node&), std::vector<Item>& items) {
  for (const json::Node& node : TRY(root.find_array(key))) items.push_back(TRY(read(node)));
  return {};
}

}  // namespace

TaskInfo task_info_of(const scheduler::Task& task, const netns::Lease& lease,
                      const netns::BridgePlan& bridge,
                      const std::map<std::string, std::string>& digests) {
  TaskInfo info;
  info.id = task.id;
  info.family = task.definition.family;
  info.network_mode = scheduler::name_of(task.definition.network_mode);
  info.created_at = format_rfc3339(task.created_at);
  for (const scheduler::ContainerDefinition& container : task.definition.container_definitions) {
    auto digest = digests.find(container.name);
    info.containers.push_back({container.name, container.image,
                               digest == digests.end() ? "" : digest->second, container.essential,
                               /*log_path=*/""});
  }
  for (const netns::LeasedEndpoint& endpoint : lease.endpoints) {
    if (endpoint.address) {
      auto twin = netns::twin_of(bridge, *endpoint.address);
      info.addresses.push_back(
          {endpoint.container, to_string(*endpoint.address), twin ? to_string(*twin) : ""});
    }
    for (const netns::PublishedPort& port : endpoint.ports) {
      info.ports.push_back({endpoint.container, to_string(port.host_ip), port.host_port,
                            port.container_port, netns::name_of(port.protocol), port.count});
    }
  }
  return info;
}

std::string render_task_info(const TaskInfo& info) {
  Json root = {{"version", kTaskInfoVersion},
               {"taskId", info.id},
               {"family", info.family},
               {"networkMode", info.network_mode},
               {"createdAt", info.created_at},
               {"detached", info.detached},
               {"containers", render_list(info.containers)},
               {"addresses", render_list(info.addresses)},
               {"ports", render_list(info.ports)}};
  return root.dump(2) + "\n";
}

Result<TaskInfo> parse_task_info(std::string_view text, const std::string& name) {
  auto document = TRY(json::Document::parse(text, {.name = name, .text_max = kTaskInfoMax}));
  json::Node root = document.root();
  if (TRY(root.i64_at("version")) != kTaskInfoVersion) {
    return fail(Errc::kUnsupported, "{}: written by another version of berth", name);
  }
  TaskInfo info;
  info.id = TRY(root.string_at("taskId"));
  info.family = TRY(root.string_at("family"));
  info.network_mode = TRY(root.string_at("networkMode"));
  info.created_at = TRY(root.string_at("createdAt"));
  info.detached = TRY(root.find_bool("detached")).value_or(false);
  TRY(read_list(root, "containers", read_container, info.containers));
  TRY(read_list(root, "addresses", read_address, info.addresses));
  TRY(read_list(root, "ports", read_port, info.ports));
  return info;
}

}  // namespace berth::agent
