#include "runtime/state.h"

#include "base/json.h"
#include "base/text.h"
#include "sys/file.h"
#include "sys/spawn.h"

#include <nlohmann/json.hpp>

#include <fcntl.h>

#include <algorithm>
#include <limits>

namespace berth::runtime {
namespace {

constexpr size_t kStateMax = 1024 * 1024;
constexpr int kVersion = 1;

// A zombie is no running container, whoever has still to reap it. What cannot be read is no proof
// of death: on that word a delete would take a running container apart.
Result<bool> is_alive(const State& state) {
  auto stat = sys::stat_of(state.pid);
  if (!stat && stat.error().code == Errc::kNotFound) return false;
  sys::ProcessStat now = TRY(std::move(stat));
  return now.start_time == state.start_time && now.state != 'Z' && now.state != 'X';
}

Result<ContainerStatus> look_up(const std::string& root, const State& state) {
  if (state.pid == 0) return ContainerStatus::kCreating;
  if (!TRY(is_alive(state))) return ContainerStatus::kStopped;
  return sys::exists(socket_of(root, state.id)) ? ContainerStatus::kCreated
                                                : ContainerStatus::kRunning;
}

std::string next_of(const std::string& root, const std::string& id) {
  return directory_of(root, id) + "/state.json.next";
}

}  // namespace

const char* name_of(ContainerStatus status) {
  switch (status) {
    case ContainerStatus::kCreating:
      return "creating";
    case ContainerStatus::kCreated:
      return "created";
    case ContainerStatus::kRunning:
      return "running";
    case ContainerStatus::kPaused:
      return "paused";
    case ContainerStatus::kStopped:
      return "stopped";
  }
  return "?";
}

Status check_id(const std::string& id) {
  auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '+' || c == '.' || c == '-';
  };
  bool fits = !id.empty() && id.size() <= kContainerIdMax && id != "." && id != ".." &&
              std::all_of(id.begin(), id.end(), good);
  if (fits) return {};
  return fail(Errc::kInvalid, "container id \"{}\": must be 1 to {} of [A-Za-z0-9_+.-]",
              printable(id, 64), kContainerIdMax);
}

std::string directory_of(const std::string& root, const std::string& id) {
  return root + "/" + id;
}

std::string config_of(const std::string& root, const std::string& id) {
  return directory_of(root, id) + "/config.json";
}

std::string socket_of(const std::string& root, const std::string& id) {
  return directory_of(root, id) + "/init.sock";
}

std::string render_state(const State& state) {
  nlohmann::json json{{"version", kVersion},
                      {"ociVersion", state.oci_version},
                      {"id", state.id},
                      {"pid", state.pid},
                      {"startTime", state.start_time},
                      {"bundle", state.bundle},
                      {"rootfs", state.rootfs},
                      {"cgroup", state.cgroup},
                      {"created", state.created},
                      {"annotations", nlohmann::json::object()}};
  for (const auto& [key, value] : state.annotations) json["annotations"][key] = value;
  if (!state.hooks.empty()) {
    json["hooks"] = nlohmann::json::parse(
        render_hooks(state.hooks, {HookKind::kPoststart, HookKind::kPoststop}));
  }
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Result<State> parse_state(std::string_view text, const std::string& name) {
  auto document = TRY(json::Document::parse(text, {.name = name, .text_max = kStateMax}));
  json::Node node = document.root();
  int64_t version = TRY(node.i64_at("version"));
  if (version != kVersion) return fail(Errc::kUnsupported, "{}: version {}", name, version);
  State state;
  state.oci_version = TRY(node.string_at("ociVersion"));
  state.id = TRY(node.string_at("id"));
  int64_t pid = TRY(node.i64_at("pid"));
  if (pid < 0 || pid > std::numeric_limits<pid_t>::max()) {
    return fail(Errc::kCorrupt, "{}: pid: {} is none", name, pid);
  }
  state.pid = static_cast<pid_t>(pid);
  json::Node start_time = TRY(node.at("startTime"));
  state.start_time = TRY(start_time.as_u64());
  state.bundle = TRY(node.string_at("bundle"));
  state.rootfs = TRY(node.string_at("rootfs"));
  state.cgroup = TRY(node.string_at("cgroup"));
  state.created = TRY(node.string_at("created"));
  if (auto annotations = node.find("annotations")) {
    state.annotations = TRY(annotations->as_string_map());
  }
  if (auto hooks = node.find("hooks")) state.hooks = TRY(parse_hooks(*hooks));
  return state;
}

Status save(const std::string& root, const State& state) {
  return sys::write_replace(directory_of(root, state.id) + "/state.json", render_state(state),
                            0600);
}

Status prepare_save(const std::string& root, const State& state) {
  sys::Fd file = TRY(sys::create(next_of(root, state.id), O_WRONLY | O_TRUNC, 0600));
  return sys::write_all(file.get(), render_state(state));
}

Status commit_save(const std::string& root, const std::string& id) {
  return sys::rename(next_of(root, id), directory_of(root, id) + "/state.json");
}

Status remove_state(const std::string& root, const std::string& id) {
  std::string directory = directory_of(root, id);
  TRY(sys::remove_file(config_of(root, id)));
  TRY(sys::remove_file(directory + "/state.json"));
  auto removed = sys::remove_directory(directory);
  if (removed || removed.error().code == Errc::kNotFound) return {};
  return sys::remove_tree(directory);
}

Result<State> load(const std::string& root, const std::string& id) {
  TRY(check_id(id));
  std::string path = directory_of(root, id) + "/state.json";
  auto text = sys::read_file(path, kStateMax);
  if (!text && text.error().code == Errc::kNotFound) {
    return fail(Errc::kNotFound, "container \"{}\" does not exist", id);
  }
  State state = TRY(parse_state(TRY(std::move(text)), path));
  if (state.id != id) return fail(Errc::kCorrupt, "{}: not of {}", path, id);
  state.status = TRY(look_up(root, state));
  return state;
}

std::string render_for_hook(const State& state, ContainerStatus status) {
  nlohmann::ordered_json json{{"ociVersion", state.oci_version},
                              {"id", state.id},
                              {"status", name_of(status)},
                              {"bundle", state.bundle},
                              {"annotations", nlohmann::json::object()}};
  for (const auto& [key, value] : state.annotations) json["annotations"][key] = value;
  if (state.pid != 0) json["pid"] = state.pid;
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string render_oci(const State& state) {
  nlohmann::ordered_json json{
      {"ociVersion", state.oci_version}, {"id", state.id}, {"status", name_of(state.status)}};
  if (state.status != ContainerStatus::kCreating && state.status != ContainerStatus::kStopped) {
    json["pid"] = state.pid;
  }
  json["bundle"] = state.bundle;
  json["rootfs"] = state.rootfs;
  json["created"] = state.created;
  if (!state.annotations.empty()) {
    for (const auto& [key, value] : state.annotations) json["annotations"][key] = value;
  }
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace berth::runtime
