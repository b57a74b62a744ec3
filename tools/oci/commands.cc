#include "oci/commands.h"

#include <array>

namespace berth::oci {
namespace {

constexpr int kFailure = 1;

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
