#include "runtime/task_namespaces.h"

#include "sys/file.h"
#include "sys/mount.h"
#include "sys/netlink.h"
#include "sys/process.h"
#include "sys/spawn.h"
#include "sys/steering.h"
#include "sys/tcp.h"
#include "sys/tcp6.h"
#include "sys/udp.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/socket.h>

#include <variant>

namespace berth::runtime {
namespace {

Status bind_namespace(int fd, const std::string& path) {
  TRY(sys::create(path, O_RDONLY, 0600));
  return sys::bind_mount(sys::proc_path(fd), path, sys::Recursion::kThisMount);
}

template <class Net>
Status add_own_address(sys::NetlinkSocket& inside, const Net& address) {
  auto lo = TRY(inside.find_link("lo"));
  if (!lo) return fail(Errc::kInternal, "a network namespace without lo");
  return inside.add_address(lo->index, address);
}

// Inside of the network: the endpoint's address and its socket.
Status open_endpoint(TaskNetwork& network, sys::NetlinkSocket& inside) {
  TRY(add_own_address(inside, Ipv4Net{kEndpointAddress, 32}));
  network.endpoint =
      TRY(sys::listen_tcp({kEndpointAddress, kEndpointOwnPort}, sys::AddressNeed::kLater));
  return {};
}

Status hear_loopback(const ResolverSockets& sockets) {
  TRY(sys::bind_to_device(sockets.questions.get(), "lo"));
  return sys::bind_to_device(sockets.connections.get(), "lo");
}

// The same of the resolver. A datagram that is sent by a socket comes from that socket's port, and
// ours is not 53: so answers are packets that are written whole.
Status open_resolver(TaskNetwork& network, sys::NetlinkSocket& inside) {
  TRY(add_own_address(inside, Ipv4Net{kResolverAddress, 32}));
  constexpr sys::TcpAddress kOwn{kResolverAddress, kResolverOwnPort};
  network.resolver.questions = TRY(sys::listen_udp(kOwn, sys::AddressNeed::kLater));
  network.resolver.connections = TRY(sys::listen_tcp(kOwn, sys::AddressNeed::kLater));
  network.resolver.answers = TRY(sys::open_packet_sender());
  return hear_loopback(network.resolver);
}

Status open_resolver6(TaskNetwork& network, sys::NetlinkSocket& inside) {
  TRY(add_own_address(inside, Ipv6Net{kResolverAddress6, 128}));
  constexpr sys::Ipv6End kOwn{kResolverAddress6, kResolverOwnPort};
  network.resolver6.questions = TRY(sys::bind_ipv6(SOCK_DGRAM, kOwn));
  network.resolver6.connections = TRY(sys::listen_tcp(kOwn));
  network.resolver6.answers = TRY(sys::open_packet_sender6());
  return hear_loopback(network.resolver6);
}

void steer_questions(const ResolverSockets& sockets, const std::variant<Ipv4, Ipv6>& address,
                     std::vector<sys::Steering>& steerings) {
  if (!sockets.questions) return;
  steerings.push_back(
      {sys::SteeredProtocol::kUdp, address, kResolverPort, sockets.questions.get()});
  steerings.push_back(
      {sys::SteeredProtocol::kTcp, address, kResolverPort, sockets.connections.get()});
}

// The way from the addresses that containers know to the sockets.
Status steer_to_sockets(TaskNetwork& network) {
  std::vector<sys::Steering> steerings;
  if (network.endpoint) {
    steerings.push_back(
        {sys::SteeredProtocol::kTcp, kEndpointAddress, kEndpointPort, network.endpoint.get()});
  }
  steer_questions(network.resolver, kResolverAddress, steerings);
  steer_questions(network.resolver6, kResolverAddress6, steerings);
  if (steerings.empty()) return {};
  network.steering = TRY(sys::steer(network.network_namespace.get(), steerings));
  return {};
}

Status open_sockets(const TaskPlan& plan, const NamespacePlan& planned, TaskNetwork& network) {
  auto inside = TRY(sys::NetlinkSocket::open());
  if (plan.endpoint) {
    auto opened = open_endpoint(network, inside);
    if (!opened) return wrap(std::move(opened).error(), "the task's endpoint");
  }
  if (plan.resolver && planned.resolver) {
    auto opened = open_resolver(network, inside);
    if (opened && plan.resolver->ipv6) opened = open_resolver6(network, inside);
    if (!opened) return wrap(std::move(opened).error(), "the task's resolver");
  }
  auto steered = steer_to_sockets(network);
  if (!steered) return wrap(std::move(steered).error(), "the addresses of endpoint and resolver");
  network.rtnetlink = inside.release();
  return {};
}

// Goes into the network namespace, opens the sockets there and comes back.
Status open_sockets_inside(const TaskPlan& plan, const NamespacePlan& planned,
                           TaskNetwork& network) {
  sys::Fd home = TRY(sys::open_namespace(sys::own_pid(), "net"));
  TRY(sys::join_namespace(network.network_namespace.get(), CLONE_NEWNET, "the task's network"));
  auto opened = open_sockets(plan, planned, network);
  TRY(sys::join_namespace(home.get(), CLONE_NEWNET, "the host's network"));
  return opened;
}

struct NamespaceType {
  int flag;          // CLONE_NEW*
  const char* name;  // in /proc/PID/ns
};
constexpr NamespaceType kNetwork{CLONE_NEWNET, "net"};
constexpr NamespaceType kIpc{CLONE_NEWIPC, "ipc"};

Result<sys::Fd> make_namespace(const NamespaceType& type, int user_namespace) {
  if (user_namespace >= 0) return sys::make_namespace_in(user_namespace, type.flag);
  sys::Fd home = TRY(sys::open_namespace(sys::own_pid(), type.name));
  TRY(sys::unshare(type.flag, type.name));
  auto made = sys::open_namespace(sys::own_pid(), type.name);
  TRY(sys::join_namespace(home.get(), type.flag, "the host's own"));
  return made;
}

// Its root directory belongs to the task's root.
Status mount_shared_memory(const SharedMemoryPlan& plan, const std::optional<IdRangePlan>& ids) {
  std::string owner = std::to_string(ids ? ids->first : 0);
  TRY(sys::make_directories(plan.path, 0700));
  sys::FileSystem memory;
  memory.type = "tmpfs";
  memory.source = "shm";
  memory.options = {
      {"mode", "1777"}, {"uid", owner}, {"gid", owner}, {"size", std::to_string(plan.size_bytes)}};
  memory.attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  return sys::attach_mount(TRY(sys::make_file_system(memory)).get(), plan.path);
}

}  // namespace

Result<TaskNamespaces> make_task_namespaces(const TaskPlan& plan) {
  TaskNamespaces namespaces;
  TRY(sys::make_directories(TaskPaths{plan.directory}.namespaces(), 0700));
  if (plan.ids) {
    sys::IdMap map{.inside = 0, .outside = plan.ids->first, .size = plan.ids->size};
    namespaces.user = TRY(sys::make_user_namespace({.uids = {map}, .gids = {map}}));
    TRY(bind_namespace(namespaces.user.get(), plan.user_namespace));
  }
  for (const NamespacePlan& network : plan.networks) {
    TaskNetwork made;
    made.name = network.name;
    made.network_namespace = TRY(make_namespace(kNetwork, namespaces.user.get()));
    TRY(open_sockets_inside(plan, network, made));
    TRY(bind_namespace(made.network_namespace.get(), network.path));
    namespaces.networks.push_back(std::move(made));
  }
  if (!plan.pid_namespace.empty()) {
    namespaces.pids = TRY(PidNamespace::make(namespaces.user.get()));
    TRY(bind_namespace(namespaces.pids->fd(), plan.pid_namespace));
  }
  if (!plan.ipc_namespace.empty()) {
    sys::Fd ipc = TRY(make_namespace(kIpc, namespaces.user.get()));
    TRY(bind_namespace(ipc.get(), plan.ipc_namespace));
  }
  if (plan.shared_memory) TRY(mount_shared_memory(*plan.shared_memory, plan.ids));
  return namespaces;
}

}  // namespace berth::runtime
