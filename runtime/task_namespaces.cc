#include "runtime/task_namespaces.h"

#include "sys/file.h"
#include "sys/mount.h"
#include "sys/netlink.h"
#include "sys/process.h"
#include "sys/spawn.h"
#include "sys/steering.h"
#include "sys/tcp.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>

namespace berth::runtime {
namespace {

Status bind_namespace(int fd, const std::string& path) {
  TRY(sys::create(path, O_RDONLY, 0600));
  return sys::bind_mount(sys::proc_path(fd), path, sys::Recursion::kThisMount);
}

// Inside of the network: the endpoint's address, its socket, and the way from one to the other.
Status open_endpoint(TaskNetwork& network, sys::NetlinkSocket& inside) {
  auto lo = TRY(inside.find_link("lo"));
  if (!lo) return fail(Errc::kInternal, "a network namespace without lo");
  TRY(inside.add_address(lo->index, {kEndpointAddress, 32}));
  network.endpoint =
      TRY(sys::listen_tcp({kEndpointAddress, kEndpointOwnPort}, sys::AddressNeed::kLater));
  network.steering = TRY(sys::steer_connections(
      network.network_namespace.get(), {kEndpointAddress, kEndpointPort}, network.endpoint.get()));
  return {};
}

Status open_sockets(const TaskPlan& plan, TaskNetwork& network) {
  auto inside = TRY(sys::NetlinkSocket::open());
  if (plan.endpoint) {
    auto opened = open_endpoint(network, inside);
    if (!opened) return wrap(std::move(opened).error(), "the task's endpoint");
  }
  network.rtnetlink = inside.release();
  return {};
}

// Goes into the network namespace, opens the sockets there and comes back.
Status open_sockets_inside(const TaskPlan& plan, TaskNetwork& network) {
  sys::Fd home = TRY(sys::open_namespace(sys::own_pid(), "net"));
  TRY(sys::join_namespace(network.network_namespace.get(), CLONE_NEWNET, "the task's network"));
  auto opened = open_sockets(plan, network);
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
    TRY(open_sockets_inside(plan, made));
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
