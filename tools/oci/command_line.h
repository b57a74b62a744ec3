// The command line of berth-oci as data: what a command takes, and what was given.
//
//   berth-oci [GLOBAL OPTIONS] COMMAND [OPTIONS] [NAMES]
//
// Options are --name VALUE, --name=VALUE or -n VALUE; as for runc, one dash before a long name does
// too. "--" ends them. For `exec`, `ps` and `kill` the first name does so as well: what follows
// belongs to the program.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace berth::oci {

enum class Takes { kNothing, kValue };

struct Option {
  const char* name;  // without dashes
  char letter;       // '\0' for none
  Takes takes;
  const char* help;
};

// The options that were given, in order. Values stand as written: they are checked by whoever asks.
class Given {
 public:
  void add(std::string name, std::string value);

  bool has(std::string_view name) const;
  // A flag: the last one decides; --name=false takes it back.
  bool flag(std::string_view name) const;
  // The last value, or `otherwise`.
  std::string text(std::string_view name, std::string_view otherwise) const;
  // Every value, in order.
  std::vector<std::string> all(std::string_view name) const;
  // A whole number from 0 to `max`; `otherwise` when not given. kInvalid names the option.
  Result<uint64_t> number(std::string_view name, uint64_t max, uint64_t otherwise) const;

 private:
  std::vector<std::pair<std::string, std::string>> options_;
};

struct Command;

struct Invocation {
  const Command* command = nullptr;
  Given global;
  Given options;
  std::vector<std::string> names;  // of the container first, then the rest
  char** argv = nullptr;           // as main() got it, for those who execute us again

  // The state root, absolute.
  std::string root() const;
};

enum class Order {
  kAny,         // options may follow names
  kNamesFirst,  // the first name ends the options
};

struct Command {
  const char* name;
  const char* operands;  // "CONTAINER [SIGNAL]": for help
  const char* help;
  std::span<const Option> options;
  size_t names_min;
  size_t names_max;
  Order order;
  int failure_code;  // how we exit when `run` fails
  Result<int> (*run)(const Invocation& invocation);
};

// --root, --log and so on.
std::span<const Option> global_options();

// Takes the options at the front of words[next...]; `next` is left at the first that is none.
Result<Given> parse_options(std::span<const Option> known, std::span<const std::string> words,
                            size_t& next);
// Everything after the command's name, into `options` and `names`.
Status parse_rest(const Command& command, std::span<const std::string> words,
                  Invocation& invocation);

std::string help(std::span<const Command> commands);
std::string help(const Command& command);

}  // namespace berth::oci
