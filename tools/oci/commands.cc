#include "oci/commands.h"

#include <array>
#include <limits>

namespace berth::oci {
namespace {

constexpr size_t kAnyNumber = std::numeric_limits<size_t>::max();
constexpr int kFailure = 1;
constexpr int kExecFailure = 255;  // not to be mistaken for the program's own 1

// Common to create and run, and some to exec.
constexpr Option kBundle{"bundle", 'b', Takes::kValue, "directory of config.json (.)"};
constexpr Option kPidFile{"pid-file", '\0', Takes::kValue, "file to write the pid to"};
constexpr Option kPidfdSocket{"pidfd-socket", '\0', Takes::kValue,
                              "unix socket to send a pidfd of the process to"};
constexpr Option kConsoleSocket{"console-socket", '\0', Takes::kValue,
                                "unix socket to send the master of the terminal to"};
constexpr Option kPreserveFds{"preserve-fds", '\0', Takes::kValue,
                              "descriptors from 3 on to hand on, after those of LISTEN_FDS (0)"};
constexpr Option kNoPivot{"no-pivot", '\0', Takes::kNothing,
                          "chroot instead of pivot_root: for a host whose root is an initramfs"};
constexpr Option kNoNewKeyring{"no-new-keyring", '\0', Takes::kNothing,
                               "leave the container our session keyring"};
constexpr Option kDetach{"detach", 'd', Takes::kNothing, "return when the program runs"};

constexpr std::array kCreateOptions{
    kBundle, kPidFile, kPidfdSocket, kConsoleSocket, kPreserveFds, kNoPivot, kNoNewKeyring,
};
constexpr std::array kRunOptions{
    kBundle,
    kPidFile,
    kPidfdSocket,
    kConsoleSocket,
    kPreserveFds,
    kNoPivot,
    kNoNewKeyring,
    kDetach,
    Option{"keep", '\0', Takes::kNothing, "do not delete the container when it has ended"},
    Option{"no-subreaper", '\0', Takes::kNothing, "accepted: we are none anyhow"},
};
constexpr std::array kExecOptions{
    Option{"process", 'p', Takes::kValue, "file of a process object, instead of a command"},
    Option{"cwd", '\0', Takes::kValue, "working directory"},
    Option{"env", 'e', Takes::kValue, "NAME=VALUE to add to the environment; may be repeated"},
    Option{"user", 'u', Takes::kValue, "UID or UID:GID"},
    Option{"additional-gids", 'g', Takes::kValue, "a further GID; may be repeated"},
    Option{"cap", 'c', Takes::kValue, "capability to add; may be repeated"},
    Option{"no-new-privs", '\0', Takes::kNothing, "set no_new_privs"},
    Option{"apparmor", '\0', Takes::kValue, "AppArmor profile"},
    Option{"process-label", '\0', Takes::kValue, "SELinux label"},
    Option{"tty", 't', Takes::kNothing, "give it a terminal"},
    kDetach,
    kPidFile,
    kPidfdSocket,
    kConsoleSocket,
    kPreserveFds,
    Option{"ignore-paused", '\0', Takes::kNothing, "in a paused container, too: it will wait"},
    Option{"cgroup", '\0', Takes::kValue, "[CONTROLLER:]PATH of a group below the container's"},
};
constexpr std::array kPsOptions{
    Option{"format", 'f', Takes::kValue, "table or json (table)"},
};
constexpr std::array kKillOptions{
    Option{"all", 'a', Takes::kNothing, "signal every process of the container"},
};
constexpr std::array kDeleteOptions{
    Option{"force", 'f', Takes::kNothing, "kill it first; a missing container is success"},
};
constexpr std::array kListOptions{
    Option{"format", 'f', Takes::kValue, "table or json (table)"},
    Option{"quiet", 'q', Takes::kNothing, "print only the names"},
};
constexpr std::array kSpecOptions{
    Option{"bundle", 'b', Takes::kValue, "directory to write config.json to (.)"},
    Option{"rootless", '\0', Takes::kNothing, "for a container of our own user"},
};
constexpr std::array kUpdateOptions{
    Option{"resources", 'r', Takes::kValue, "file of a linux.resources object, or - to read it"},
    Option{"blkio-weight", '\0', Takes::kValue, "weight of block I/O, 10 to 1000"},
    Option{"cpu-period", '\0', Takes::kValue, "CFS period in microseconds"},
    Option{"cpu-quota", '\0', Takes::kValue, "CPU time in a period in microseconds; -1 for all"},
    Option{"cpu-burst", '\0', Takes::kValue, "saved CPU time that a period may take on top"},
    Option{"cpu-share", '\0', Takes::kValue, "relative weight of CPU time"},
    Option{"cpu-rt-period", '\0', Takes::kValue, "real-time period in microseconds"},
    Option{"cpu-rt-runtime", '\0', Takes::kValue, "real-time CPU time in a period"},
    Option{"cpu-idle", '\0', Takes::kValue, "1 for SCHED_IDLE, 0 for the default"},
    Option{"cpuset-cpus", '\0', Takes::kValue, "CPUs to run on, like 0-3,7"},
    Option{"cpuset-mems", '\0', Takes::kValue, "memory nodes to use"},
    Option{"memory", '\0', Takes::kValue, "limit of memory, like 512m; -1 for none"},
    Option{"memory-reservation", '\0', Takes::kValue, "soft limit of memory"},
    Option{"memory-swap", '\0', Takes::kValue, "limit of memory and swap together"},
    Option{"kernel-memory", '\0', Takes::kValue, "limit of kernel memory (cgroup v1)"},
    Option{"kernel-memory-tcp", '\0', Takes::kValue, "limit of TCP buffers (cgroup v1)"},
    Option{"pids-limit", '\0', Takes::kValue, "most processes; -1 for no limit"},
    Option{"l3-cache-schema", '\0', Takes::kValue, "refused: needs resctrl"},
    Option{"mem-bw-schema", '\0', Takes::kValue, "refused: needs resctrl"},
};
constexpr std::array kEventsOptions{
    Option{"interval", '\0', Takes::kValue, "how often statistics are told (5s)"},
    Option{"stats", '\0', Takes::kNothing, "tell the statistics once"},
};
constexpr std::span<const Option> kNone{};

constexpr std::array kCommands{
    Command{"create", "CONTAINER", "make a container up to, and without, its program",
            kCreateOptions, 1, 1, Order::kAny, kFailure, create},
    Command{"start", "CONTAINER", "execute the program of a created container", kNone, 1, 1,
            Order::kAny, kFailure, start},
    Command{"run", "CONTAINER", "create, start, wait and delete", kRunOptions, 1, 1, Order::kAny,
            kFailure, run},
    Command{"exec", "CONTAINER [PROGRAM [ARGUMENT...]]", "run a program in a running container",
            kExecOptions, 1, kAnyNumber, Order::kNamesFirst, kExecFailure, exec},
    Command{"state", "CONTAINER", "print the state of a container", kNone, 1, 1, Order::kAny,
            kFailure, state},
    Command{"list", "", "list the containers", kListOptions, 0, 0, Order::kAny, kFailure, list},
    Command{"ps", "CONTAINER [OPTION OF PS...]", "list the processes of a container (ps -ef)",
            kPsOptions, 1, kAnyNumber, Order::kNamesFirst, kFailure, ps},
    Command{"kill", "CONTAINER [SIGNAL]", "signal the init of a container (SIGTERM)", kKillOptions,
            1, 2, Order::kAny, kFailure, kill},
    Command{"pause", "CONTAINER", "freeze every process of a container", kNone, 1, 1, Order::kAny,
            kFailure, pause},
    Command{"resume", "CONTAINER", "thaw a paused container", kNone, 1, 1, Order::kAny, kFailure,
            resume},
    Command{"update", "CONTAINER", "change the limits of a running container", kUpdateOptions, 1, 1,
            Order::kAny, kFailure, update},
    Command{"events", "CONTAINER", "tell statistics and kills by the OOM killer", kEventsOptions, 1,
            1, Order::kAny, kFailure, events},
    Command{"delete", "CONTAINER", "remove a stopped container", kDeleteOptions, 1, 1, Order::kAny,
            kFailure, remove},
    Command{"features", "", "print what this runtime can do", kNone, 0, 0, Order::kAny, kFailure,
            features},
    Command{"spec", "", "write a config.json to start from", kSpecOptions, 0, 0, Order::kAny,
            kFailure, spec},
};

}  // namespace

std::span<const Command> commands() {
  return kCommands;
}

}  // namespace berth::oci
