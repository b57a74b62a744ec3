#include "runtime/net_devices.h"

#include "base/log.h"
#include "base/text.h"
#include "runtime/parse.h"
#include "sys/process.h"
#include "sys/spawn.h"

#include <sched.h>

#include <algorithm>

namespace berth::runtime {
namespace {

constexpr size_t kNetDevicesMax = 64;

// What the kernel takes for the name of a link.
bool is_link_name(std::string_view name) {
  auto bad = [](char c) { return c == '/' || c == ':' || c == '%' || c <= ' ' || c == '\x7f'; };
  return !name.empty() && name.size() <= sys::kInterfaceNameMax && name != "." && name != ".." &&
         std::none_of(name.begin(), name.end(), bad);
}

}  // namespace

Result<std::vector<NetDeviceSpec>> parse_net_devices(const json::Node& node) {
  constexpr const char* kWhy =
      "must be the name of a link: 1 to 15 bytes, none of them / : % or a "
      "space";
  std::vector<NetDeviceSpec> devices;
  for (const auto& [name, entry] : TRY(node.as_object())) {
    if (!is_link_name(name)) return parse::invalid(entry, kWhy);
    NetDeviceSpec device;
    device.name = name;
    device.new_name = TRY(parse::find_text(entry, "name"));
    if (device.new_name.empty()) device.new_name = name;
    if (!is_link_name(device.new_name)) {
      json::Node new_name = TRY(entry.at("name"));
      return parse::invalid(new_name, kWhy);
    }
    for (const NetDeviceSpec& other : devices) {
      if (other.new_name != device.new_name) continue;
      return parse::invalid(entry, "gets the name of another one, " + device.new_name);
    }
    devices.push_back(std::move(device));
  }
  if (devices.size() <= kNetDevicesMax) return devices;
  return parse::invalid(node, fmt::format("has more than {} devices", kNetDevicesMax));
}

Result<MovedDevices::Place> MovedDevices::open(pid_t pid) {
  sys::Fd home = TRY(sys::open_namespace(sys::own_pid(), "net"));
  sys::Fd network = TRY(sys::open_namespace(pid, "net"));
  TRY(sys::join_namespace(network.get(), CLONE_NEWNET, "the container's network"));
  auto socket = sys::NetlinkSocket::open();
  TRY(sys::join_namespace(home.get(), CLONE_NEWNET, "the host's network"));
  auto route = TRY(std::move(socket));
  return Place{std::move(network), std::move(route)};
}

// The kernel forgets the addresses on the way, and whether the link was up.
Status MovedDevices::carry(Place& from, Place& to, const NetDeviceSpec& device) {
  auto link = TRY(from.socket.find_link(device.name));
  if (!link) return fail(Errc::kNotFound, "there is no such link");
  // It would be moved and then not be renamed.
  if (TRY(to.socket.find_link(device.new_name))) {
    return fail(Errc::kExists, "there is a link {} in the container already", device.new_name);
  }
  std::vector<std::string> addresses = TRY(from.socket.lasting_addresses(link->index));
  TRY(from.socket.move_link(link->index, to.network.get(), device.new_name));
  auto settle = [&]() -> Status {
    auto there = TRY(to.socket.find_link(device.new_name));
    if (!there) return fail(Errc::kNotFound, "{} is gone", device.new_name);
    for (const std::string& address : addresses) {
      TRY(to.socket.add_lasting_address(there->index, address));
    }
    return to.socket.set_up(there->index);
  };
  auto settled = settle();
  if (settled) return {};
  auto stranded = to.socket.find_link(device.new_name);
  if (stranded && *stranded) {
    (void)to.socket.move_link((*stranded)->index, from.network.get(), device.name);  // told below
  }
  return settled;
}

Result<MovedDevices> MovedDevices::move(const std::vector<NetDeviceSpec>& devices, pid_t pid) {
  MovedDevices moved(TRY(open(sys::own_pid())), TRY(open(pid)));
  for (const NetDeviceSpec& device : devices) {
    auto carried = carry(moved.host_, moved.container_, device);
    if (!carried) return wrap(std::move(carried).error(), "linux.netDevices.{}", device.name);
    moved.moved_.push_back(device);
  }
  return moved;
}

MovedDevices::~MovedDevices() {
  for (const NetDeviceSpec& device : moved_) {
    auto back = carry(container_, host_, {.name = device.new_name, .new_name = device.name});
    if (back) continue;
    LOG(kWarn, "link not given back", {{"name", device.name}, {"error", back.error().text}});
  }
}

}  // namespace berth::runtime
