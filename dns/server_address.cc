#include "dns/server_address.h"

#include "base/ip_net.h"
#include "base/text.h"

#include <algorithm>
#include <optional>

namespace berth::dns {
namespace {

constexpr size_t kServerShown = 100;
constexpr std::string_view kNameserver = "nameserver";

bool is_address(std::string_view text) {
  size_t scope = text.find('%');
  bool has_scope = scope != std::string_view::npos;
  if (has_scope && scope + 1 == text.size()) return false;
  if (text.find('/') != std::string_view::npos) return false;
  auto net = parse_ip_net(text.substr(0, scope));
  return net && (net->is_v6 || !has_scope);
}

struct Pieces {
  std::string_view address;
  std::optional<std::string_view> port;
};

Pieces pieces_of(std::string_view text) {
  if (text.starts_with('[')) {
    size_t end = text.find(']');
    if (end == std::string_view::npos) return {};
    std::string_view rest = text.substr(end + 1);
    if (!rest.empty() && rest.front() != ':') return {};
    if (rest.empty()) return {text.substr(1, end - 1), std::nullopt};
    return {text.substr(1, end - 1), rest.substr(1)};
  }
  bool has_port = std::ranges::count(text, ':') == 1;
  if (!has_port) return {text, std::nullopt};
  size_t colon = text.find(':');
  return {text.substr(0, colon), text.substr(colon + 1)};
}

}  // namespace

Result<ServerAddress> parse_server_address(std::string_view text) {
  Pieces pieces = pieces_of(text);
  ServerAddress server;
  auto port = pieces.port ? parse_u64(*pieces.port) : std::optional<uint64_t>(kServerPort);
  bool is_port = port && *port > 0 && *port <= UINT16_MAX;
  if (!is_address(pieces.address) || !is_port) {
    return fail(Errc::kInvalid,
                "\"{}\" is no name server: write an IP address, with :PORT if that is not {}",
                printable(text, kServerShown), kServerPort);
  }
  server.address = std::string(pieces.address);
  server.port = static_cast<uint16_t>(*port);
  return server;
}

std::string to_text(const ServerAddress& server) {
  if (server.port == kServerPort) return server.address;
  bool is_v6 = server.address.find(':') != std::string::npos;
  return fmt::format("{}{}{}:{}", is_v6 ? "[" : "", server.address, is_v6 ? "]" : "", server.port);
}

std::vector<ServerAddress> servers_of_resolv_conf(std::string_view text) {
  std::vector<ServerAddress> servers;
  for (const std::string& line : split(text, '\n')) {
    if (!line.starts_with(kNameserver)) continue;
    std::string_view rest = std::string_view(line).substr(kNameserver.size());
    if (rest.empty() || (rest.front() != ' ' && rest.front() != '\t')) continue;
    std::string_view address = trim(rest);
    address = address.substr(0, address.find_first_of(" \t#;"));
    if (!is_address(address) || servers.size() == kServersMax) continue;
    servers.push_back({std::string(address), kServerPort});
  }
  return servers;
}

}  // namespace berth::dns
