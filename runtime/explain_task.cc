// What berth-shim does for a task and goes on to do for its containers, as steps.
#include "runtime/explain.h"
#include "runtime/explain_parts.h"

#include <fmt/format.h>

namespace berth::runtime {
namespace {

Step user_namespace_step(const TaskPlan& plan) {
  std::string line = fmt::format("0 {} {}", plan.ids->first, plan.ids->size);
  Step step;
  step.stage = "namespaces";
  step.effect =
      fmt::format("a user namespace for the task: its ids 0 to {} are {} to {} on the host",
                  plan.ids->size - 1, plan.ids->first, plan.ids->first + plan.ids->size - 1);
  step.calls = {"clone3(CLONE_NEWUSER)",
                fmt::format("write \"{}\" to /proc/CHILD/uid_map and gid_map", line),
                fmt::format("mount(/proc/self/fd/N, {}, MS_BIND)", plan.user_namespace)};
  step.purpose =
      "root in a container is nobody on the host: what it does is checked against an id that owns "
      "nothing there";
  step.by_hand = fmt::format("unshare --user --map-users=0:{0}:{1} --map-groups=0:{0}:{1}",
                             plan.ids->first, plan.ids->size);
  step.asked_by = "ids";
  step.looks = {{.file = "/proc/PID/uid_map", .words = words_of(line)},
                {.file = "/proc/PID/gid_map", .words = words_of(line)},
                {.file = "/proc/PID/ns/user", .own_namespace = true}};
  return step;
}

// `owned`: by the task's user namespace; else by the host's.
Step network_step(const NamespacePlan& network, bool owned) {
  Step step;
  step.stage = "namespaces";
  step.effect = fmt::format("a network namespace \"{}\"{}", network.name,
                            owned ? ", owned by the task's user namespace" : "");
  if (owned) step.calls.emplace_back("setns(user namespace)");
  step.calls.insert(
      step.calls.end(),
      {"unshare(CLONE_NEWNET)", "socket(AF_NETLINK) born inside, for berth to set it up",
       fmt::format("mount(/proc/self/fd/N, {}, MS_BIND)", network.path)});
  step.purpose = "interfaces, addresses, ports and firewall of its own";
  if (owned) {
    step.purpose += "; root inside may bind port 80 because the owner is the task's user namespace";
  }
  step.by_hand =
      fmt::format("unshare {}--net; mount --bind /proc/self/ns/net FILE", owned ? "--user " : "");
  step.asked_by = "networks";
  return step;
}

Step endpoint_step(const NamespacePlan& network) {
  Step step;
  step.stage = "namespaces";
  step.effect = fmt::format("{}:{} in the network \"{}\" answers what containers ask of themselves",
                            to_string(kEndpointAddress), kEndpointPort, network.name);
  step.calls = {fmt::format("RTM_NEWADDR {}/32 on lo", to_string(kEndpointAddress)),
                fmt::format("bind and listen, {}:{}, born inside", to_string(kEndpointAddress),
                            kEndpointOwnPort),
                "bpf(BPF_PROG_LOAD, sk_lookup)", "bpf(BPF_LINK_CREATE) to the network namespace"};
  step.purpose =
      "metadata, statistics and credentials are found where AWS has them, without taking port 80 "
      "from the containers; nobody answers, or costs anything, before somebody asks";
  step.by_hand = "ip address add 169.254.170.2/32 dev lo; bpftool prog load sk_lookup.o ...";
  step.asked_by = "networks";
  // A listening socket, as proc_pid_net(5) writes it.
  step.looks = {{.file = "/proc/PID/net/tcp", .words = {"02AAFEA9:C9DF", "0A"}}};
  return step;
}

Step resolver_step(const NamespacePlan& network, bool has_ipv6) {
  Step step;
  step.stage = "namespaces";
  step.effect = fmt::format("{}:{} in the network \"{}\" answers questions for names",
                            to_string(kResolverAddress), kResolverPort, network.name);
  step.calls = {fmt::format("RTM_NEWADDR {}/32 on lo", to_string(kResolverAddress)),
                fmt::format("bind, UDP and TCP, {}:{}, SO_BINDTODEVICE lo, born inside",
                            to_string(kResolverAddress), kResolverOwnPort),
                "socket(SOCK_RAW, IPPROTO_RAW): answers come from port 53 without taking it",
                "sk_lookup, the program of the endpoint: port 53 is led there"};
  if (has_ipv6) {
    step.calls.push_back(fmt::format("the same at {}/128", to_string(kResolverAddress6)));
  }
  step.purpose =
      "names of tasks of this host, and all that its name servers know, at the address that "
      "Amazon's resolver has in a VPC; security groups do not stand between, and no process runs "
      "before somebody asks";
  step.by_hand =
      "ip address add 169.254.169.253/32 dev lo; dnsmasq --listen-address=169.254.169.253";
  step.asked_by = "networks";
  // A bound socket, as proc_pid_net(5) writes it.
  step.looks = {{.file = "/proc/PID/net/udp", .words = {"FDA9FEA9:C9E0", "07"}}};
  return step;
}

Step names_step(const NamesPlan& plan) {
  std::vector<std::string> names;
  for (const NamePlan& each : plan.names) names.push_back(each.name + " " + each.record);
  Step step;
  step.stage = "names";
  step.effect = "while it runs the task is found as " + join(names, ", ");
  step.calls = {
      fmt::format("mkdir({}/NAME); symlink(\"PID:START-TIME RECORD\"), each", plan.directory)};
  step.purpose = "resolvers of this host's tasks look there; what a dead process wrote is not told";
  step.by_hand = "a line in a hosts file of dnsmasq";
  step.asked_by = "names";
  return step;
}

Step shared_pids_step(const TaskPlan& plan) {
  Step step;
  step.stage = "namespaces";
  step.effect = "one pid namespace for all containers, with a process 1 that only reaps";
  step.calls = {"clone3(CLONE_NEWPID)",
                fmt::format("mount(/proc/self/fd/N, {}, MS_BIND)", plan.pid_namespace)};
  step.purpose = "containers of the task see and may signal each other's processes";
  step.by_hand = "unshare --pid --fork sleep infinity";
  step.asked_by = "pidNamespace";
  return step;
}

Step shared_ipc_step(const TaskPlan& plan) {
  Step step;
  step.stage = "namespaces";
  step.effect = "one IPC namespace for all containers";
  step.calls = {"unshare(CLONE_NEWIPC)",
                fmt::format("mount(/proc/self/fd/N, {}, MS_BIND)", plan.ipc_namespace)};
  step.purpose =
      "containers of the task share System V IPC and message queues, and nobody else has them";
  step.by_hand = "unshare --ipc";
  step.asked_by = "ipcNamespace";
  return step;
}

Step shared_memory_step(const SharedMemoryPlan& memory) {
  Step step;
  step.stage = "namespaces";
  step.effect =
      fmt::format("a tmpfs of {} bytes that all containers have as /dev/shm", memory.size_bytes);
  step.calls = {"fsopen(tmpfs)", fmt::format("fsconfig(size={}, mode=1777)", memory.size_bytes),
                "fsmount", fmt::format("move_mount({})", memory.path)};
  step.purpose = "POSIX shared memory works between the containers, and is bounded";
  step.by_hand = fmt::format("mount -t tmpfs -o nosuid,nodev,noexec,mode=1777,size={} shm {}",
                             memory.size_bytes, memory.path);
  step.asked_by = "sharedMemory";
  return step;
}

Step ephemeral_storage_step(const EphemeralStoragePlan& storage) {
  Step step;
  step.stage = "volumes";
  step.effect = fmt::format(
      "{} on a loop device, mounted on {}: writable layers and volumes of "
      "the task are in it",
      storage.image, storage.path);
  step.calls = {
      fmt::format("open({})", storage.image),      "ioctl(LOOP_CTL_GET_FREE)",
      "ioctl(LOOP_CONFIGURE, LO_FLAGS_AUTOCLEAR)", fmt::format("fsopen({})", kEphemeralStorageType),
      "fsconfig(noinit_itable, discard)",          "fsmount",
      fmt::format("move_mount({})", storage.path)};
  step.purpose =
      "what the task writes has an end of its own: it gets ENOSPC, and the disk of the host stays "
      "free";
  step.by_hand =
      fmt::format("mount -o loop,noinit_itable,discard {} {}", storage.image, storage.path);
  step.asked_by = "ephemeralStorage";
  return step;
}

Step volume_step(const VolumePlan& volume) {
  std::vector<std::string> words = volume.options;
  if (volume.loop) words.insert(words.begin(), "loop");
  std::string options = join(words, ",");
  Step step;
  step.stage = "volumes";
  step.effect = fmt::format("volume {}: {} {} on {}{}{}", volume.name,
                            volume.type.empty() ? "the directory" : volume.type, volume.source,
                            volume.path, options.empty() ? "" : " ", options);
  if (volume.type.empty()) {
    step.calls = {fmt::format("open({})", volume.source)};
  } else {
    step.calls = {fmt::format("fsopen({})", volume.type), "fsconfig for each option", "fsmount"};
  }
  if (volume.loop) {
    step.calls.insert(step.calls.begin(),
                      {fmt::format("open({})", volume.source), "ioctl(LOOP_CTL_GET_FREE)",
                       "ioctl(LOOP_CONFIGURE, LO_FLAGS_AUTOCLEAR)"});
  }
  if (!volume.root.empty()) {
    step.effect += fmt::format(", of it {}", volume.root);
    step.calls.push_back(fmt::format("openat2({}, RESOLVE_IN_ROOT)", volume.root));
  }
  if (volume.type.empty() || !volume.root.empty()) step.calls.emplace_back("open_tree(CLONE)");
  step.calls.push_back(fmt::format("move_mount({})", volume.path));
  step.purpose =
      "mounted in the shim's own mount namespace: nobody else sees it, and it ends with it";
  step.by_hand =
      volume.type.empty()
          ? fmt::format("mount --rbind {}{} {}", volume.source, volume.root, volume.path)
          : fmt::format("mount -t {} {}{} {} {}", volume.type, options.empty() ? "" : "-o ",
                        options, volume.source, volume.path);
  step.asked_by = "volumes";
  return step;
}

Step fill_step(const FillPlan& fill) {
  Step step;
  step.stage = "volumes";
  step.effect =
      fmt::format("{}, if it is empty, gets what the image has at {}", fill.volume, fill.path);
  step.calls = {fmt::format("openat2({}, RESOLVE_IN_ROOT)", fill.path),
                "read, write, fchownat and fchmodat of each file"};
  step.purpose =
      "a volume hides what the image has at its place; the first container brings it back";
  step.by_hand = fmt::format("cp -a ROOT{}/. {}", fill.path, fill.volume);
  step.asked_by = "fills";
  return step;
}

std::string shown_dependencies(const ContainerPlan& container) {
  std::string text;
  for (const ContainerDependency& dependency : container.depends_on) {
    const char* word = "has started";
    switch (dependency.condition) {
      case DependencyCondition::kStart:
        break;
      case DependencyCondition::kComplete:
        word = "has ended";
        break;
      case DependencyCondition::kSuccess:
        word = "has ended with exit code 0";
        break;
      case DependencyCondition::kHealthy:
        word = "is HEALTHY";
        break;
    }
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", dependency.container, word);
  }
  return text;
}

Step order_step(const ContainerPlan& container) {
  Step step;
  step.stage = "order";
  step.effect = container.depends_on.empty()
                    ? "starts at once: it depends on no other container"
                    : fmt::format("starts when {}", shown_dependencies(container));
  if (container.start_timeout_seconds) {
    step.effect += fmt::format("; given up after {} s", *container.start_timeout_seconds);
  }
  step.calls = {"epoll_wait on the pidfds of the others", "connect init.sock; send Go"};
  step.purpose = "a container finds what it needs; the order of the stop is the reverse";
  step.asked_by = "dependsOn";
  return step;
}

Step health_step(const HealthCheckPlan& check) {
  constexpr uint32_t kMs = 1000;
  Step step;
  step.stage = "health";
  step.effect = fmt::format(
      "{}: every {} s, at most {} s, UNHEALTHY after {} failures in a row, the first {} s forgiven",
      join(check.args, " "), check.interval_ms / kMs, check.timeout_ms / kMs, check.retries,
      check.start_period_ms / kMs);
  step.calls = {"timerfd", "clone3; setns into each namespace of the container; execve",
                "SIGKILL at the timeout"};
  step.purpose = "a process that runs and does not work is found out";
  step.by_hand = "nsenter --all --target PID COMMAND";
  step.asked_by = "healthCheck";
  return step;
}

Step restart_step(const RestartPlan& restart) {
  Step step;
  step.stage = "restart";
  step.effect = fmt::format("started again when it ends after {} s or more",
                            restart.attempt_period_ms / 1000);
  step.calls = {"waitid(pidfd)", "berth-oci delete, create, start in the same namespaces"};
  step.purpose = "the task outlives the failure of a container";
  step.asked_by = "restart";
  return step;
}

Step end_step(const ContainerPlan& container) {
  Step step;
  step.stage = "stop";
  step.effect = fmt::format(
      "signal {}, {} s, then SIGKILL{}", container.stop_signal, container.stop_timeout_seconds,
      container.essential ? "; its end ends the task" : "; the task goes on without it");
  step.calls = {fmt::format("pidfd_send_signal({})", container.stop_signal), "timerfd",
                "pidfd_send_signal(SIGKILL)",
                fmt::format("write {}; rename; only then is anybody told", container.exit_file)};
  step.purpose =
      "the program may finish what it has in hand; the exit code is on disk before anything "
      "depends on it";
  step.by_hand = fmt::format("kill -{} PID; sleep {}; kill -KILL PID", container.stop_signal,
                             container.stop_timeout_seconds);
  step.asked_by = "stop";
  return step;
}

Step log_step(const ContainerPlan& container) {
  Step step;
  step.stage = "logs";
  step.effect = fmt::format("what it prints goes to {}", container.log.file.path);
  step.calls = {"pipe2 for standard output and error; fork of a process that reads them",
                "read; write a record a line with its time and stream"};
  step.purpose =
      "a process of the shim reads, so that the program never waits for berth, no line is lost "
      "with it, and a slow disk holds up nothing else";
  step.by_hand = "PROGRAM 2>&1 | tee -a FILE";
  step.asked_by = "log";
  return step;
}

Step console_step(const ContainerPlan& container) {
  Step step;
  step.stage = "console";
  step.asked_by = "console";
  if (container.console_socket.empty()) {
    step.effect = "its standard input stays open";
    step.calls = {"pipe2; the shim holds the other end", "SCM_RIGHTS from who attaches"};
  } else {
    step.effect = container.open_input ? "its standard streams are a terminal, for who attaches"
                                       : "its standard streams are a terminal";
    step.calls = {fmt::format("listen on {}", container.console_socket),
                  "accept; receive the master by SCM_RIGHTS from berth-oci"};
  }
  step.purpose = "a program that asks for a terminal, or for somebody who types, finds one";
  step.by_hand = "script -c PROGRAM";
  return step;
}

}  // namespace

std::vector<Step> explain_task(const TaskPlan& plan, const sys::Cgroups& cgroups) {
  std::vector<Step> steps;
  steps.push_back(group_step(cgroups, plan.cgroup));
  steps.back().purpose = "everything of the task is counted, limited and killed together";
  add_limit_steps(cgroups, plan.cgroup, cgroup_limits_of(plan.limits), "limits.", steps);
  if (plan.ids) steps.push_back(user_namespace_step(plan));
  for (const NamespacePlan& network : plan.networks) {
    steps.push_back(network_step(network, plan.ids.has_value()));
    if (plan.endpoint) steps.push_back(endpoint_step(network));
    if (plan.resolver && network.resolver)
      steps.push_back(resolver_step(network, plan.resolver->ipv6));
  }
  if (!plan.pid_namespace.empty()) steps.push_back(shared_pids_step(plan));
  if (!plan.ipc_namespace.empty()) steps.push_back(shared_ipc_step(plan));
  if (plan.shared_memory) steps.push_back(shared_memory_step(*plan.shared_memory));
  if (plan.ephemeral_storage) steps.push_back(ephemeral_storage_step(*plan.ephemeral_storage));
  for (const VolumePlan& volume : plan.volumes) steps.push_back(volume_step(volume));
  if (plan.names) steps.push_back(names_step(*plan.names));
  return steps;
}

std::vector<Step> explain_supervision(const ContainerPlan& container) {
  std::vector<Step> steps{order_step(container), log_step(container)};
  for (const FillPlan& fill : container.fills) steps.push_back(fill_step(fill));
  if (container.open_input || !container.console_socket.empty()) {
    steps.push_back(console_step(container));
  }
  if (container.health_check) steps.push_back(health_step(*container.health_check));
  if (container.restart) steps.push_back(restart_step(*container.restart));
  steps.push_back(end_step(container));
  return steps;
}

}  // namespace berth::runtime
