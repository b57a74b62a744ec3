#include "netns/security_group.h"

#include "base/text.h"

#include <fmt/core.h>

#include <cctype>
#include <set>

namespace berth::netns {
namespace {

constexpr const char* kGroupTable = R"(table inet {table} {{
  map ingress {{ type ipv4_addr : verdict; }}
  map egress {{ type ipv4_addr : verdict; }}
  chain from_task {{ type filter hook forward priority 0; }}
  chain to_task {{ type filter hook forward priority 1; }}
  chain from_task_to_host {{ type filter hook input priority 0; }}
  chain from_host_to_task {{ type filter hook output priority 0; }}
}}
flush chain inet {table} from_task
flush chain inet {table} to_task
flush chain inet {table} from_task_to_host
flush chain inet {table} from_host_to_task
table inet {table} {{
  chain from_task {{
    ct state established,related accept
    ip saddr vmap @egress
  }}
  chain to_task {{
    ct state established,related accept
    ip daddr vmap @ingress
  }}
  chain from_task_to_host {{
    ct state established,related accept
    ip saddr vmap @egress
  }}
  chain from_host_to_task {{
    ct state established,related accept
    ip daddr vmap @ingress
  }}
}}
)";

enum class Direction { kIngress, kEgress };

// Names of groups have characters that nft's names have not: those are written as _XX.
std::string identifier_of(std::string_view prefix, std::string_view name) {
  std::string text(prefix);
  for (unsigned char c : name) {
    text += std::isalnum(c) != 0 ? std::string(1, static_cast<char>(c)) : fmt::format("_{:02x}", c);
  }
  return text;
}

std::string members_of(std::string_view group) {
  return identifier_of("members_", group);
}

std::string chain_of(Direction direction, std::string_view group) {
  return identifier_of(direction == Direction::kIngress ? "in_" : "out_", group);
}

std::string task_chain_of(Direction direction, Ipv4 address) {
  return fmt::format("{}_{:08x}", direction == Direction::kIngress ? "to" : "from", address.value);
}

std::string icmp_text(const GroupRule& rule) {
  if (rule.icmp_type < 0) return "ip protocol icmp ";
  std::string text = fmt::format("icmp type {} ", rule.icmp_type);
  return rule.icmp_code < 0 ? text : text + fmt::format("icmp code {} ", rule.icmp_code);
}

std::string traffic_text(const GroupRule& rule) {
  switch (rule.traffic) {
    case Traffic::kAll:
      return "";
    case Traffic::kIcmp:
      return icmp_text(rule);
    case Traffic::kTcp:
    case Traffic::kUdp:
      break;
  }
  const char* protocol = rule.traffic == Traffic::kTcp ? "tcp" : "udp";
  if (rule.first_port == 0 && rule.last_port == 65535) {
    return fmt::format("ip protocol {} ", protocol);
  }
  return fmt::format("{} dport {}-{} ", protocol, rule.first_port, rule.last_port);
}

// One line for each other side.
std::string render_rule(std::string_view table, Direction direction, std::string_view group,
                        const GroupRule& rule) {
  const char* other = direction == Direction::kIngress ? "saddr" : "daddr";
  std::string start = fmt::format("add rule inet {} {} {}ip {} ", table, chain_of(direction, group),
                                  traffic_text(rule), other);
  std::string text;
  for (const Ipv4Net& net : rule.nets) {
    text += fmt::format("{}{} accept\n", start, to_string(net));
  }
  for (const std::string& peer : rule.groups) {
    text += fmt::format("{}@{} accept\n", start, members_of(peer));
  }
  return text;
}

std::string member_set_text(std::string_view table, std::string_view group) {
  return fmt::format("add set inet {} {} {{ type ipv4_addr; }}\n", table, members_of(group));
}

// Of the groups and of those that their rules name.
std::set<std::string> names_in(const std::vector<SecurityGroup>& groups) {
  std::set<std::string> names;
  for (const SecurityGroup& group : groups) {
    names.insert(group.name);
    for (const auto* rules : {&group.ingress, &group.egress}) {
      for (const GroupRule& rule : *rules) names.insert(rule.groups.begin(), rule.groups.end());
    }
  }
  return names;
}

std::string set_text(std::string_view verb, std::string_view table, std::string_view group,
                     Ipv4 address) {
  return fmt::format("{} element inet {} {} {{ {} }}\n", verb, table, members_of(group),
                     to_string(address));
}

std::string verdict_text(std::string_view verb, std::string_view table, Direction direction,
                         Ipv4 address) {
  return fmt::format("{} element inet {} {} {{ {} : jump {} }}\n", verb, table,
                     direction == Direction::kIngress ? "ingress" : "egress", to_string(address),
                     task_chain_of(direction, address));
}

}  // namespace

std::string render_group_base(std::string_view table) {
  return fmt::format(fmt::runtime(kGroupTable), fmt::arg("table", table));
}

std::string render_groups(std::string_view table, const std::vector<SecurityGroup>& groups) {
  std::string text;
  for (const std::string& name : names_in(groups)) text += member_set_text(table, name);
  for (const SecurityGroup& group : groups) {
    for (Direction direction : {Direction::kIngress, Direction::kEgress}) {
      std::string chain = chain_of(direction, group.name);
      text += fmt::format("add chain inet {0} {1}\nflush chain inet {0} {1}\n", table, chain);
    }
  }
  // When all sets and chains are there.
  for (const SecurityGroup& group : groups) {
    for (const GroupRule& rule : group.ingress) {
      text += render_rule(table, Direction::kIngress, group.name, rule);
    }
    for (const GroupRule& rule : group.egress) {
      text += render_rule(table, Direction::kEgress, group.name, rule);
    }
  }
  return text;
}

// Adding what is there is allowed, deleting what is not there fails: so add first.
std::string render_no_group(std::string_view table, std::string_view group) {
  std::string text = member_set_text(table, group);
  for (Direction direction : {Direction::kIngress, Direction::kEgress}) {
    std::string chain = chain_of(direction, group);
    text +=
        fmt::format("add chain inet {0} {1}\nflush chain inet {0} {1}\ndelete chain inet {0} {1}\n",
                    table, chain);
  }
  return text + fmt::format("delete set inet {} {}\n", table, members_of(group));
}

std::string render_member(std::string_view table, Ipv4 address,
                          const std::vector<std::string>& groups) {
  std::string text;
  for (Direction direction : {Direction::kIngress, Direction::kEgress}) {
    std::string chain = task_chain_of(direction, address);
    text += fmt::format("add chain inet {0} {1}\nflush chain inet {0} {1}\n", table, chain);
    for (const std::string& group : groups) {
      text +=
          fmt::format("add rule inet {} {} jump {}\n", table, chain, chain_of(direction, group));
    }
    text += fmt::format("add rule inet {} {} drop\n", table, chain);
    text += verdict_text("add", table, direction, address);
  }
  for (const std::string& group : groups) text += set_text("add", table, group, address);
  return text;
}

// Adding what is there is allowed, deleting what is not there fails: so add first.
std::string render_no_member(std::string_view table, Ipv4 address,
                             const std::vector<std::string>& groups) {
  std::string text;
  for (Direction direction : {Direction::kIngress, Direction::kEgress}) {
    std::string chain = task_chain_of(direction, address);
    text += fmt::format("add chain inet {} {}\n", table, chain);
    text += verdict_text("add", table, direction, address);
    text += verdict_text("delete", table, direction, address);
    text += fmt::format("flush chain inet {0} {1}\ndelete chain inet {0} {1}\n", table, chain);
  }
  for (const std::string& group : groups) {
    text += member_set_text(table, group);
    text += set_text("add", table, group, address) + set_text("delete", table, group, address);
  }
  return text;
}

}  // namespace berth::netns
