// TaskInfo: what people ask about a task while it is there, written by the agent beside the shim's
// task.json. A value: parse_task_info(render_task_info(i)) == i.
#pragma once

#include "agent/paths.h"
#include "base/result.h"
#include "netns/ipam.h"
#include "scheduler/model.h"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace berth::agent {

constexpr size_t kTaskInfoMax = 1024 * 1024;

struct ContainerInfo {
  std::string name;
  std::string image;         // as the task definition has it
  std::string image_digest;  // "sha256:..." of the manifest
  bool essential = true;
  // The current file of its log where that is not the task's own; it outlives the task.
  std::string log_path;
  bool operator==(const ContainerInfo&) const = default;
};

struct AddressInfo {
  std::string container;  // whose it is; "task" when all share it
  std::string address;    // IPv4
  std::string ipv6{};     // "": none
  bool operator==(const AddressInfo&) const = default;
};

struct PortInfo {
  std::string container;
  std::string host_address;
  uint16_t host_port = 0;  // the first of a range
  uint16_t container_port = 0;
  std::string protocol;  // "tcp" or "udp"
  uint16_t count = 1;    // of ports in a row, on both sides
  bool operator==(const PortInfo&) const = default;
};

struct TaskInfo {
  std::string id;
  std::string family;
  std::string network_mode;               // "awsvpc", ...
  std::string created_at;                 // RFC 3339
  bool detached = false;                  // its logs and exit codes are kept when it stops
  std::vector<ContainerInfo> containers;  // in the definition's order
  std::vector<AddressInfo> addresses;
  std::vector<PortInfo> ports;
  bool operator==(const TaskInfo&) const = default;
};

// `digests`: container -> digest of its image's manifest.
TaskInfo task_info_of(const scheduler::Task& task, const netns::Lease& lease,
                      const netns::BridgePlan& bridge,
                      const std::map<std::string, std::string>& digests);

std::string render_task_info(const TaskInfo& info);
// kInvalid or kCorrupt with the path of the member that is wrong.
Result<TaskInfo> parse_task_info(std::string_view text, const std::string& name);

}  // namespace berth::agent
