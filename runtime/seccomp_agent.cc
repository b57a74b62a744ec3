#include "runtime/seccomp_agent.h"

#include "sys/socket.h"

#include <nlohmann/json.hpp>

namespace berth::runtime {

Status send_to_agent(const SeccompSpec& seccomp, const State& state, ContainerStatus status,
                     pid_t process, const sys::Fd& listener) {
  nlohmann::ordered_json json{{"ociVersion", state.oci_version},
                              {"fds", {"seccompFd"}},
                              {"pid", process},
                              {"metadata", seccomp.listener_metadata},
                              {"state", nlohmann::json::parse(render_for_hook(state, status))}};
  std::string text = json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  auto agent = sys::connect_stream(seccomp.listener_path);
  if (!agent) return wrap(std::move(agent).error(), "linux.seccomp.listenerPath");
  auto sent = sys::send_message(agent->get(), text, {listener.get()});
  if (!sent) return wrap(std::move(sent).error(), "linux.seccomp.listenerPath");
  return {};
}

}  // namespace berth::runtime
