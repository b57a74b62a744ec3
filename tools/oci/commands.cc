#include "oci/commands.h"

#include <array>
#include <limits>

namespace berth::oci {
namespace {

constexpr size_t kAnyNumber = std::numeric_limits<size_t>::max();
constexpr int kFailure = 1;
constexpr int kExecFailure = 255;  // not to be mistaken for the program's own 1

constexpr std::array kCreateOptions{
    Option{"bundle", 'b', Takes::kValue, "directory of config.json (.)"},
    Option{"pid-file", '\0', Takes::kValue, "file to write the pid of the init to"},
    Option{"preserve-fds", '\0', Takes::kValue, "descriptors from 3 on to hand on (0)"},
    Option{"no-new-keyring", '\0', Takes::kNothing, "accepted, without effect"},
};
constexpr std::array kRunOptions{
    Option{"bundle", 'b', Takes::kValue, "directory of config.json (.)"},
    Option{"pid-file", '\0', Takes::kValue, "file to write the pid of the init to"},
    Option{"preserve-fds", '\0', Takes::kValue, "descriptors from 3 on to hand on (0)"},
    Option{"no-new-keyring", '\0', Takes::kNothing, "accepted, without effect"},
    Option{"detach", 'd', Takes::kNothing, "return when the program runs"},
};
constexpr std::array kExecOptions{
    Option{"process", 'p', Takes::kValue, "file of a process object, instead of a command"},
    Option{"cwd", '\0', Takes::kValue, "working directory"},
    Option{"env", 'e', Takes::kValue, "NAME=VALUE to add to the environment; may be repeated"},
    Option{"user", 'u', Takes::kValue, "UID or UID:GID"},
    Option{"additional-gids", 'g', Takes::kValue, "a further GID; may be repeated"},
    Option{"cap", 'c', Takes::kValue, "capability to add; may be repeated"},
    Option{"no-new-privs", '\0', Takes::kNothing, "set no_new_privs"},
    Option{"detach", 'd', Takes::kNothing, "return when the program runs"},
    Option{"pid-file", '\0', Takes::kValue, "file to write the pid to"},
    Option{"preserve-fds", '\0', Takes::kValue, "descriptors from 3 on to hand on (0)"},
    Option{"cgroup", '\0', Takes::kValue, "[CONTROLLER:]PATH of a group below the container's"},
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
    Command{"kill", "CONTAINER [SIGNAL]", "signal the init of a container (SIGTERM)", kKillOptions,
            1, 2, Order::kAny, kFailure, kill},
    Command{"delete", "CONTAINER", "remove a stopped container", kDeleteOptions, 1, 1, Order::kAny,
            kFailure, remove},
    Command{"spec", "", "write a config.json to start from", kSpecOptions, 0, 0, Order::kAny,
            kFailure, spec},
};

}  // namespace

std::span<const Command> commands() {
  return kCommands;
}

}  // namespace berth::oci
