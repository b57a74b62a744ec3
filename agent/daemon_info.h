// <run>/berthd.json: where the berthd of this instance listens, while it runs. A value:
// parse_daemon_info(render_daemon_info(i)) == i.
#pragma once

#include "base/result.h"
#include "sys/tcp.h"

#include <string>
#include <string_view>

namespace berth::agent {

struct DaemonInfo {
  int pid = 0;
  sys::TcpAddress listen;
};

std::string render_daemon_info(const DaemonInfo& info);
Result<DaemonInfo> parse_daemon_info(std::string_view text, const std::string& name);
// kNotFound when none runs, as far as its file tells.
Result<DaemonInfo> read_daemon_info(const std::string& path);

}  // namespace berth::agent
