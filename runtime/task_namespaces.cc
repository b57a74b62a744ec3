#include "runtime/task_namespaces.h"

#include "sys/file.h"
#include "sys/mount.h"
#include "sys/netlink.h"
#include "sys/process.h"
#include "sys/spawn.h"

#include <fcntl.h>
#include <sched.h>

namespace berth::runtime {
namespace {

Status bind_namespace(int fd, const std::string& path) {
  TRY(sys::create(path, O_RDONLY, 0600));
  return sys::bind_mount(sys::proc_path(fd), path, sys::Recursion::kThisMount);
}

// Goes into the network namespace, opens the socket there and comes back.
Result<sys::Fd> open_rtnetlink_in(int network_namespace) {
  sys::Fd home = TRY(sys::open_namespace(sys::own_pid(), "net"));
  TRY(sys::join_namespace(network_namespace, CLONE_NEWNET, "the task's network"));
  auto socket = sys::NetlinkSocket::open();
  TRY(sys::join_namespace(home.get(), CLONE_NEWNET, "the host's network"));
  return TRY(std::move(socket)).release();
}

Result<sys::Fd> make_network(int user_namespace) {
  if (user_namespace >= 0) return sys::make_namespace_in(user_namespace, CLONE_NEWNET);
  sys::Fd home = TRY(sys::open_namespace(sys::own_pid(), "net"));
  TRY(sys::unshare(CLONE_NEWNET, "network"));
  auto made = sys::open_namespace(sys::own_pid(), "net");
  TRY(sys::join_namespace(home.get(), CLONE_NEWNET, "the host's network"));
  return made;
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
    made.network_namespace = TRY(make_network(namespaces.user.get()));
    made.rtnetlink = TRY(open_rtnetlink_in(made.network_namespace.get()));
    TRY(bind_namespace(made.network_namespace.get(), network.path));
    namespaces.networks.push_back(std::move(made));
  }
  return namespaces;
}

}  // namespace berth::runtime
