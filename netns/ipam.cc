#include "netns/ipam.h"

#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "netns/proxy_record.h"
#include "sys/file.h"
#include "sys/port.h"
#include "sys/spawn.h"

#include <nlohmann/json.hpp>

#include <fcntl.h>

#include <algorithm>
#include <optional>
#include <set>
#include <sstream>

namespace berth::netns {
namespace {

constexpr const char* kLastPortFile = "/.last-port";
constexpr const char* kGivenFile = "/.given";
constexpr int kLeaseVersion = 1;
constexpr size_t kSubuidMax = 1024 * 1024;

nlohmann::json to_json(const PublishedPort& port) {
  nlohmann::json value{{"hostIp", to_string(port.host_ip)},
                       {"hostPort", port.host_port},
                       {"containerPort", port.container_port},
                       {"protocol", name_of(port.protocol)}};
  if (port.count != 1) value["count"] = port.count;
  return value;
}

nlohmann::json to_json(const LeasedEndpoint& endpoint) {
  nlohmann::json value{{"container", endpoint.container}, {"ports", nlohmann::json::array()}};
  if (endpoint.address) value["address"] = to_string(*endpoint.address);
  for (const auto& port : endpoint.ports) value["ports"].push_back(to_json(port));
  if (!endpoint.groups.empty()) value["groups"] = endpoint.groups;
  if (endpoint.proxy) value["proxy"] = render_proxy_record(*endpoint.proxy);
  return value;
}

Result<uint16_t> port_at(const json::Node& node, std::string_view key) {
  int64_t port = TRY(node.i64_at(key));
  if (port < 1 || port > 65535) return fail(Errc::kCorrupt, "{}.{}: no port", node.path(), key);
  return static_cast<uint16_t>(port);
}

Result<PublishedPort> parse_port(const json::Node& node) {
  PublishedPort port;
  auto host_ip = TRY(node.string_at("hostIp"));
  port.host_ip = TRY(parse_ipv4(host_ip));
  port.host_port = TRY(port_at(node, "hostPort"));
  port.container_port = TRY(port_at(node, "containerPort"));
  port.protocol = TRY(node.string_at("protocol")) == "udp" ? Protocol::kUdp : Protocol::kTcp;
  if (node.find("count")) port.count = TRY(port_at(node, "count"));
  if (std::max(port.host_port, port.container_port) + port.count - 1 > 65535) {
    return fail(Errc::kCorrupt, "{}.count: ports beyond 65535", node.path());
  }
  return port;
}

Result<LeasedEndpoint> parse_endpoint(const json::Node& node) {
  LeasedEndpoint endpoint;
  endpoint.container = TRY(node.string_at("container"));
  if (auto address = TRY(node.find_string("address"))) endpoint.address = TRY(parse_ipv4(*address));
  for (const auto& port : TRY(node.find_array("ports"))) {
    endpoint.ports.push_back(TRY(parse_port(port)));
  }
  endpoint.groups = TRY(node.find_strings("groups"));
  if (auto proxy = node.find("proxy")) endpoint.proxy = TRY(parse_proxy_record(*proxy));
  return endpoint;
}

// A file that cannot be read as text is as good as empty: the fallbacks are documented.
std::string text_of(const std::string& path) {
  auto text = sys::read_file(path, kSubuidMax);
  return text ? *text : std::string();
}

// Where tasks have IPv6 a port is published there as well, unless it is at one IPv4 address.
Result<bool> port_is_free(const PublishedPort& port, bool has_ipv6) {
  bool is_udp = port.protocol == Protocol::kUdp;
  if (!TRY(sys::can_bind({port.host_ip, port.host_port, is_udp}))) return false;
  bool is_on_ipv6 = has_ipv6 && port.host_ip.value == 0;
  return is_on_ipv6 ? sys::can_bind_ipv6(port.host_port, is_udp) : true;
}

// The last port that was given where one was asked for; 0 when none was.
uint16_t last_dynamic_port(const LeaseRequest& request, const Lease& lease) {
  uint16_t last = 0;
  for (size_t i = 0; i < request.endpoints.size(); ++i) {
    const auto& asked = request.endpoints[i].ports;
    for (size_t j = 0; j < asked.size(); ++j) {
      const PublishedPort& given = lease.endpoints[i].ports[j];
      if (asked[j].host_port == 0) last = static_cast<uint16_t>(given.host_port + given.count - 1);
    }
  }
  return last;
}

std::set<Ipv4> addresses_of(const std::vector<Lease>& leases) {
  std::set<Ipv4> addresses;
  for (const Lease& lease : leases) {
    for (const LeasedEndpoint& endpoint : lease.endpoints) {
      if (endpoint.address) addresses.insert(*endpoint.address);
    }
  }
  return addresses;
}

std::string render_given(const std::set<Ipv4>& given) {
  std::string text;
  for (Ipv4 address : given) text += to_string(address) + "\n";
  return text;
}

// Nothing of what is no list of addresses: after a power cut it may be anything.
std::optional<std::set<Ipv4>> parse_given(std::string_view text) {
  if (text.empty() || !text.ends_with('\n')) return std::nullopt;
  std::set<Ipv4> given;
  for (const auto& line : split(text.substr(0, text.size() - 1), '\n')) {
    auto address = parse_ipv4(line);
    if (!address) return std::nullopt;
    given.insert(*address);
  }
  return given;
}

bool owner_lives(const Lease& lease) {
  auto start = sys::start_time_of(lease.owner_pid);
  return start && *start == lease.owner_start;
}

bool is_retired(const Lease& lease) {
  return lease.owner_pid == 0;
}

bool has_addresses(const Lease& lease) {
  return std::any_of(lease.endpoints.begin(), lease.endpoints.end(),
                     [](const LeasedEndpoint& endpoint) { return endpoint.address.has_value(); });
}

bool publishes(const Lease& lease) {
  return std::any_of(lease.endpoints.begin(), lease.endpoints.end(),
                     [](const LeasedEndpoint& endpoint) { return !endpoint.ports.empty(); });
}

bool is_task_id(std::string_view text) {
  auto ok = [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_'; };
  return !text.empty() && text.size() <= 128 && std::all_of(text.begin(), text.end(), ok);
}

}  // namespace

Range parse_port_range(std::string_view text) {
  std::istringstream words{std::string(text)};
  Range range;
  if (words >> range.first >> range.last && range.first >= 1 && range.first <= range.last &&
      range.last <= 65535) {
    return range;
  }
  return {49153, 65535};
}

std::vector<Range> parse_subuid(std::string_view text) {
  std::vector<Range> ranges;
  for (const auto& line : split(text, '\n')) {
    auto fields = split(trim(line), ':');
    if (fields.size() != 3) continue;
    auto first = parse_u64(fields[1]);
    auto count = parse_u64(fields[2]);
    if (!first || !count || *count == 0 || *first + *count > UINT32_MAX) continue;
    ranges.push_back({static_cast<uint32_t>(*first), static_cast<uint32_t>(*first + *count - 1)});
  }
  return ranges;
}

std::string render_lease(const Lease& lease) {
  nlohmann::json value{{"version", kLeaseVersion},
                       {"taskId", lease.task_id},
                       {"ownerPid", lease.owner_pid},
                       {"ownerStart", lease.owner_start},
                       {"endpoints", nlohmann::json::array()}};
  if (lease.uid_start) value["uidStart"] = *lease.uid_start;
  for (const auto& endpoint : lease.endpoints) value["endpoints"].push_back(to_json(endpoint));
  return value.dump(2) + "\n";
}

Result<Lease> parse_lease(std::string_view text) {
  auto document = TRY(json::Document::parse(text, {.name = "lease"}));
  auto root = document.root();
  if (TRY(root.i64_at("version")) != kLeaseVersion) {
    return fail(Errc::kUnsupported, "lease: version must be {}", kLeaseVersion);
  }
  Lease lease;
  lease.task_id = TRY(root.string_at("taskId"));
  lease.owner_pid = static_cast<int>(TRY(root.i64_at("ownerPid")));
  lease.owner_start = TRY(root.find_u64("ownerStart")).value_or(0);
  if (auto uid = TRY(root.find_u64("uidStart"))) lease.uid_start = static_cast<uint32_t>(*uid);
  for (const auto& endpoint : TRY(root.find_array("endpoints"))) {
    lease.endpoints.push_back(TRY(parse_endpoint(endpoint)));
  }
  return lease;
}

Result<LeaseStore> LeaseStore::open(const std::string& root, const BridgePlan& bridge) {
  auto directory = root + "/leases";
  TRY(sys::make_directories(directory, 0700));
  return LeaseStore(directory, bridge);
}

std::string LeaseStore::path_of(const std::string& task_id) const {
  return fmt::format("{}/{}.json", directory_, task_id);
}

Result<std::vector<Lease>> LeaseStore::read_all() const {
  std::vector<Lease> leases;
  for (const auto& name : TRY(sys::list_directory(directory_))) {
    if (name.ends_with(".tmp")) {  // its writer was killed: a living one would hold the lock
      TRY(sys::remove_file(directory_ + "/" + name));
      continue;
    }
    if (!name.ends_with(".json") || name.starts_with(".")) continue;
    auto text = TRY(sys::read_file(directory_ + "/" + name, kLeaseFileMax));
    if (text.empty()) {  // a power cut before the data reached the disk: what it named is gone too
      TRY(sys::remove_file(directory_ + "/" + name));
      continue;
    }
    auto lease = parse_lease(text);
    // Not skipped: handing out what an unreadable lease holds would be worse than stopping.
    if (!lease) return wrap(std::move(lease).error(), "{}/{}", directory_, name);
    leases.push_back(std::move(*lease));
  }
  return leases;
}

Pool LeaseStore::pool() const {
  Pool pool;
  pool.subnet = bridge_.subnet;
  pool.gateway = bridge_.gateway;
  pool.dynamic_ports = parse_port_range(text_of("/proc/sys/net/ipv4/ip_local_port_range"));
  auto last = parse_u64(trim(text_of(directory_ + kLastPortFile)));
  pool.last_dynamic_port = last && *last <= 65535 ? static_cast<uint32_t>(*last) : 0;
  pool.foreign_uids = parse_subuid(text_of("/etc/subuid"));
  pool.given = parse_given(text_of(directory_ + kGivenFile)).value_or(std::set<Ipv4>());
  pool.port_is_free = [has_ipv6 = bridge_.subnet6.has_value()](const PublishedPort& port) {
    return port_is_free(port, has_ipv6);
  };
  return pool;
}

// Before the lease is written: an address that is leased is one that was given.
Status LeaseStore::note_given(const Lease& lease, const std::vector<Lease>& taken, const Pool& pool,
                              const Forget& forget) const {
  std::string path = directory_ + kGivenFile;
  std::set<Ipv4> addresses = addresses_of({lease});
  if (addresses.empty()) return {};
  std::set<Ipv4> leased = addresses_of(taken);
  auto had = [&](Ipv4 address) { return pool.given.contains(address); };
  auto is_gone = [&](Ipv4 address) { return !leased.contains(address); };
  bool is_known = !pool.given.empty();  // else it is the first, or nobody knows
  bool is_used_again = std::any_of(addresses.begin(), addresses.end(), had);
  auto gone = static_cast<size_t>(std::count_if(pool.given.begin(), pool.given.end(), is_gone));
  if (is_known && !is_used_again && gone < kGivenMax) {
    sys::Fd file = TRY(sys::open(path, O_WRONLY | O_APPEND | O_CLOEXEC));
    return sys::write_all(file.get(), render_given(addresses));
  }
  std::set<Ipv4> given = leased;
  bool is_forgotten = !forget || forget(leased);
  if (!is_forgotten) given.insert(pool.given.begin(), pool.given.end());
  given.merge(addresses);
  return sys::write_replace(path, render_given(given), 0600);
}

Result<Lease> LeaseStore::acquire(const LeaseRequest& request, const Forget& forget) {
  if (!is_task_id(request.task_id)) {
    return fail(Errc::kInvalid, "lease: {} is no task id", printable(request.task_id, 64));
  }
  auto lock = TRY(sys::FileLock::acquire(directory_ + "/.lock"));
  auto taken = TRY(read_all());
  for (const auto& lease : taken) {
    if (lease.task_id == request.task_id) return lease;
  }
  Pool pool = this->pool();
  auto lease = TRY(allocate(pool, taken, request));
  lease.owner_pid = sys::own_pid();
  lease.owner_start = TRY(sys::start_time_of(lease.owner_pid));
  TRY(note_given(lease, taken, pool, forget));
  // Not fsynced: what a lease names (links, rules, processes) does not outlive the kernel either.
  TRY(sys::write_replace(path_of(lease.task_id), render_lease(lease), 0600));
  if (uint16_t port = last_dynamic_port(request, lease)) {
    TRY(sys::write_replace(directory_ + kLastPortFile, std::to_string(port), 0600));
  }
  return lease;
}

Status LeaseStore::release(
    const std::string& task_id,
    const std::function<Status(const Lease& released, const std::vector<Lease>& remaining)>&
        clean) {
  auto lock = TRY(sys::FileLock::acquire(directory_ + "/.lock"));
  auto remaining = TRY(read_all());
  auto ours = std::find_if(remaining.begin(), remaining.end(),
                           [&](const Lease& lease) { return lease.task_id == task_id; });
  if (ours == remaining.end()) return {};
  Lease released = std::move(*ours);
  remaining.erase(ours);
  TRY(clean(released, remaining));  // a lease goes last: until then it protects what it names
  return sys::remove_file(path_of(task_id));
}

Result<bool> LeaseStore::retire(const std::string& task_id) {
  auto lock = TRY(sys::FileLock::acquire(directory_ + "/.lock"));
  auto held = TRY(read_all());
  Lease* ours = nullptr;
  for (Lease& lease : held) {
    if (lease.task_id == task_id) {
      ours = &lease;
    } else if (!is_retired(lease)) {
      return false;
    }
  }
  if (ours == nullptr || !has_addresses(*ours) || publishes(*ours)) return false;
  ours->owner_pid = 0;
  ours->owner_start = 0;
  TRY(sys::write_replace(path_of(task_id), render_lease(*ours), 0600));
  return true;
}

Result<bool> LeaseStore::has_retired() {
  auto held = TRY(list());
  return std::any_of(held.begin(), held.end(), is_retired);
}

Result<std::vector<Lease>> LeaseStore::list() {
  auto lock = TRY(sys::FileLock::acquire(directory_ + "/.lock"));
  return read_all();
}

Status LeaseStore::sweep(const std::set<std::string>& live, Retired retired,
                         const std::function<Status(const std::vector<Lease>& stale,
                                                    const std::vector<Lease>& remaining)>& clean) {
  auto lock = TRY(sys::FileLock::acquire(directory_ + "/.lock"));
  std::vector<Lease> stale;
  std::vector<Lease> remaining;
  for (auto& lease : TRY(read_all())) {
    bool kept = is_retired(lease) && retired == Retired::kKeep;
    bool lives = kept || live.contains(lease.task_id) || owner_lives(lease);
    (lives ? remaining : stale).push_back(std::move(lease));
  }
  TRY(clean(stale, remaining));  // a lease goes last: until then it protects what it names
  for (const auto& lease : stale) TRY(sys::remove_file(path_of(lease.task_id)));
  return {};
}

}  // namespace berth::netns
