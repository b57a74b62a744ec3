#include "netns/proxy.h"

#include "netns/nft_program.h"

#include <fmt/format.h>

#include <set>

namespace berth::netns {
namespace {

// Sorted and each once: a set of nftables takes nothing twice.
std::string port_set(const std::vector<uint16_t>& ports) {
  std::set<uint16_t> once(ports.begin(), ports.end());
  return fmt::format("{{ {} }}", fmt::join(once, ", "));
}

std::string ingress_chain(const ProxyRules& rules) {
  return fmt::format(
      "  chain ingress {{\n"
      "    type nat hook prerouting priority -100; policy accept;\n"
      "    tcp dport {} fib saddr type != local redirect to :{}\n"
      "  }}\n",
      port_set(rules.app_ports), rules.ingress_port);
}

std::string egress_chain(const ProxyRules& rules) {
  std::string text =
      "  chain egress {\n"
      "    type nat hook output priority -100; policy accept;\n"
      "    fib daddr type local accept\n";
  if (rules.ignored_uid) text += fmt::format("    meta skuid {} accept\n", *rules.ignored_uid);
  if (rules.ignored_gid) text += fmt::format("    meta skgid {} accept\n", *rules.ignored_gid);
  if (!rules.spared_ports.empty()) {
    text += fmt::format("    tcp dport {} accept\n", port_set(rules.spared_ports));
  }
  for (const IpNet& net : rules.spared) {
    text += fmt::format("    {} daddr {} accept\n", net.is_v6 ? "ip6" : "ip", to_string(net));
  }
  return text + fmt::format("    meta l4proto tcp redirect to :{}\n  }}\n", rules.egress_port);
}

}  // namespace

std::string render_proxy(const ProxyRules& rules) {
  std::string text =
      fmt::format("table inet {0} {{}}\ndelete table inet {0}\ntable inet {0} {{\n", kProxyTable);
  if (rules.ingress_port != 0) text += ingress_chain(rules);
  return text + egress_chain(rules) + "}\n";
}

Status apply_proxy(const ProxyRules& rules, int netns_fd) {
  return commit_rules_inside(netns_fd, render_proxy(rules));
}

}  // namespace berth::netns
