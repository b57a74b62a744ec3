// TaskMetadata: what a task's endpoint tells at this moment: endpoint.json, and what its shim has
// told since. A value without clock or files.
#pragma once

#include "base/result.h"
#include "runtime/shim_protocol.h"

#include <nlohmann/json_fwd.hpp>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace berth::agent {

// The forms that AWS has given the answers over the years.
enum class MetadataVersion { kV2, kV3, kV4 };
enum class Tags { kWithout, kWith };

// A container as its statistics are asked for.
struct MetadataContainer {
  std::string name;
  std::string docker_id;
  std::string docker_name;
  bool running = false;
  pid_t pid = 0;  // of its first process, while it runs
};

class TaskMetadata {
 public:
  // kInvalid or kCorrupt that names the member.
  static Result<TaskMetadata> parse(std::string_view text, const std::string& name);
  TaskMetadata(TaskMetadata&&) noexcept;
  TaskMetadata& operator=(TaskMetadata&&) noexcept;
  ~TaskMetadata();

  // Where its ephemeral storage of a size is mounted; nothing when it has none.
  std::optional<std::string> ephemeral_storage() const;
  void observe_ephemeral_storage(uint64_t used_bytes, uint64_t size_bytes);
  // In the order of the events; one that has been heard already changes nothing.
  void observe(const runtime::ShimEvent& event);

  // The container of an endpoint id; nothing when there is none.
  std::optional<std::string> container_of(const std::string& endpoint_id) const;
  std::vector<MetadataContainer> containers() const;
  std::string task_arn() const;
  bool fault_injection_enabled() const;
  // Of a task with a role.
  struct Role {
    std::string id;  // of the endpoint's /v2/credentials/<id>
    std::string arn;
  };
  std::optional<Role> role() const;

  // Answers, as JSON text.
  std::string render_task(MetadataVersion version, Tags tags) const;
  std::string render_container(MetadataVersion version, const std::string& name) const;

 private:
  explicit TaskMetadata(std::unique_ptr<nlohmann::ordered_json> document);
  nlohmann::ordered_json* find(const std::string& container);
  bool is_essential(const std::string& container) const;

  std::unique_ptr<nlohmann::ordered_json> document_;
  std::map<std::string, pid_t> pids_;  // of running containers
};

}  // namespace berth::agent
