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
  map ingress6 {{ type ipv6_addr : verdict; }}
  map egress6 {{ type ipv6_addr : verdict; }}
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
    ip6 saddr vmap @egress6
  }}
  chain to_task {{
    ct state established,related accept
    ip daddr vmap @ingress
    ip6 daddr vmap @ingress6
  }}
  chain from_task_to_host {{
    ct state established,related accept
    ip saddr vmap @egress
    ip6 saddr vmap @egress6
  }}
  chain from_host_to_task {{
    ct state established,related accept
    ip daddr vmap @ingress
    ip6 daddr vmap @ingress6
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

// One of each family's: a set has addresses of one length.
std::string members_of(std::string_view group) {
  return identifier_of("members_", group);
}

std::string members6_of(std::string_view group) {
  return identifier_of("members6_", group);
}

std::string chain_of(Direction direction, std::string_view group) {
  return identifier_of(direction == Direction::kIngress ? "in_" : "out_", group);
}

std::string task_chain_of(Direction direction, Ipv4 address) {
  return fmt::format("{}_{:08x}", direction == Direction::kIngress ? "to" : "from", address.value);
}

std::string icmp_text(const GroupRule& rule) {
  bool is_v6 = rule.traffic == Traffic::kIcmpv6;
  if (rule.icmp_type < 0) return is_v6 ? "meta l4proto ipv6-icmp " : "meta l4proto icmp ";
  const char* header = is_v6 ? "icmpv6" : "icmp";
  std::string text = fmt::format("{} type {} ", header, rule.icmp_type);
  return rule.icmp_code < 0 ? text : text + fmt::format("{} code {} ", header, rule.icmp_code);
}

std::string traffic_text(const GroupRule& rule) {
  switch (rule.traffic) {
    case Traffic::kAll:
      return "";
    case Traffic::kIcmp:
    case Traffic::kIcmpv6:
      return icmp_text(rule);
    case Traffic::kTcp:
    case Traffic::kUdp:
      break;
  }
  const char* protocol = rule.traffic == Traffic::kTcp ? "tcp" : "udp";
  if (rule.first_port == 0 && rule.last_port == 65535) {
    return fmt::format("meta l4proto {} ", protocol);
  }
  return fmt::format("{} dport {}-{} ", protocol, rule.first_port, rule.last_port);
}

// One line for each other side.
std::string render_rule(std::string_view table, Direction direction, std::string_view group,
                        const GroupRule& rule) {
  const char* other = direction == Direction::kIngress ? "saddr" : "daddr";
  std::string start =
      fmt::format("add rule inet {} {} {}", table, chain_of(direction, group), traffic_text(rule));
  std::string text;
  auto accept = [&](std::string_view family, std::string_view who) {
    // Each family has its own messages: of the other's there are none.
    if (rule.traffic == Traffic::kIcmp && family == "ip6") return;
    if (rule.traffic == Traffic::kIcmpv6 && family == "ip") return;
    text += fmt::format("{}{} {} {} accept\n", start, family, other, who);
  };
  for (const Ipv4Net& net : rule.nets) accept("ip", to_string(net));
  for (const Ipv6Net& net : rule.nets6) accept("ip6", to_string(net));
  for (const std::string& peer : rule.groups) {
    accept("ip", "@" + members_of(peer));
    accept("ip6", "@" + members6_of(peer));
  }
  return text;
}

std::string add_sets_text(std::string_view table, std::string_view group) {
  return fmt::format(
      "add set inet {0} {1} {{ type ipv4_addr; }}\nadd set inet {0} {2} {{ type ipv6_addr; }}\n",
      table, members_of(group), members6_of(group));
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
                     const Member& member) {
  auto text = fmt::format("{} element inet {} {} {{ {} }}\n", verb, table, members_of(group),
                          to_string(member.address));
  if (!member.address6) return text;
  return text + fmt::format("{} element inet {} {} {{ {} }}\n", verb, table, members6_of(group),
                            to_string(*member.address6));
}

std::string verdict_text(std::string_view verb, std::string_view table, Direction direction,
                         const Member& member) {
  const char* map = direction == Direction::kIngress ? "ingress" : "egress";
  std::string chain = task_chain_of(direction, member.address);
  auto text = fmt::format("{} element inet {} {} {{ {} : jump {} }}\n", verb, table, map,
                          to_string(member.address), chain);
  if (!member.address6) return text;
  return text + fmt::format("{} element inet {} {}6 {{ {} : jump {} }}\n", verb, table, map,
                            to_string(*member.address6), chain);
}

}  // namespace

std::string render_group_base(std::string_view table) {
  return fmt::format(fmt::runtime(kGroupTable), fmt::arg("table", table));
}

std::string render_groups(std::string_view table, const std::vector<SecurityGroup>& groups) {
  std::string text;
  for (const std::string& name : names_in(groups)) text += add_sets_text(table, name);
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
  std::string text = add_sets_text(table, group);
  for (Direction direction : {Direction::kIngress, Direction::kEgress}) {
    std::string chain = chain_of(direction, group);
    text +=
        fmt::format("add chain inet {0} {1}\nflush chain inet {0} {1}\ndelete chain inet {0} {1}\n",
                    table, chain);
  }
  return text + fmt::format("delete set inet {0} {1}\ndelete set inet {0} {2}\n", table,
                            members_of(group), members6_of(group));
}

std::string render_member(std::string_view table, const Member& member,
                          const std::vector<std::string>& groups) {
  std::string text;
  for (Direction direction : {Direction::kIngress, Direction::kEgress}) {
    std::string chain = task_chain_of(direction, member.address);
    text += fmt::format("add chain inet {0} {1}\nflush chain inet {0} {1}\n", table, chain);
    for (const std::string& group : groups) {
      text +=
          fmt::format("add rule inet {} {} jump {}\n", table, chain, chain_of(direction, group));
    }
    text += fmt::format("add rule inet {} {} drop\n", table, chain);
    text += verdict_text("add", table, direction, member);
  }
  for (const std::string& group : groups) text += set_text("add", table, group, member);
  return text;
}

// Adding what is there is allowed, deleting what is not there fails: so add first.
std::string render_no_member(std::string_view table, const Member& member,
                             const std::vector<std::string>& groups) {
  std::string text;
  for (Direction direction : {Direction::kIngress, Direction::kEgress}) {
    std::string chain = task_chain_of(direction, member.address);
    text += fmt::format("add chain inet {} {}\n", table, chain);
    text += verdict_text("add", table, direction, member);
    text += verdict_text("delete", table, direction, member);
    text += fmt::format("flush chain inet {0} {1}\ndelete chain inet {0} {1}\n", table, chain);
  }
  for (const std::string& group : groups) {
    text += add_sets_text(table, group);
    text += set_text("add", table, group, member) + set_text("delete", table, group, member);
  }
  return text;
}

}  // namespace berth::netns
