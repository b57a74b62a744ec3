#include "agent/daemon_info.h"

#include "agent/config.h"
#include "base/json.h"
#include "sys/file.h"

#include <nlohmann/json.hpp>

namespace berth::agent {
namespace {

constexpr int kDaemonInfoVersion = 1;
constexpr size_t kDaemonInfoMax = 4096;

}  // namespace

std::string render_daemon_info(const DaemonInfo& info) {
  nlohmann::ordered_json json = {
      {"version", kDaemonInfoVersion}, {"pid", info.pid}, {"listen", render_listen(info.listen)}};
  return json.dump() + "\n";
}

Result<DaemonInfo> parse_daemon_info(std::string_view text, const std::string& name) {
  auto document = TRY(json::Document::parse(text, {.name = name}));
  DaemonInfo info;
  info.pid = static_cast<int>(TRY(document.root().i64_at("pid")));
  info.listen = TRY(parse_listen(TRY(document.root().string_at("listen")), name));
  return info;
}

Result<DaemonInfo> read_daemon_info(const std::string& path) {
  return parse_daemon_info(TRY(sys::read_file(path, kDaemonInfoMax)), path);
}

}  // namespace berth::agent
