#include "oci/command_line.h"

#include "base/text.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>

namespace berth::oci {
namespace {

constexpr const char* kRootDefault = "/run/berth-oci";

constexpr std::array kGlobalOptions{
    Option{"root", '\0', Takes::kValue, "directory of the containers' state (/run/berth-oci)"},
    Option{"log", '\0', Takes::kValue, "file that errors are appended to (standard error)"},
    Option{"log-format", '\0', Takes::kValue, "text or json (text)"},
    Option{"debug", '\0', Takes::kNothing, "print every system call to standard error"},
    Option{"systemd-cgroup", '\0', Takes::kNothing, "refused: cgroupsPath is a path here"},
    Option{"rootless", '\0', Takes::kValue, "true, false or auto: accepted, without effect"},
    Option{"criu", '\0', Takes::kValue, "accepted, without effect"},
    Option{"version", 'v', Takes::kNothing, "print the version"},
    Option{"help", 'h', Takes::kNothing, "print this help"},
};

constexpr Option kHelp{"help", 'h', Takes::kNothing, "print this help"};

bool is_option(const std::string& word) {
  return word.size() >= 2 && word[0] == '-';
}

const Option* find_option(std::span<const Option> known, std::string_view name) {
  for (const Option& option : known) {
    if (name == option.name) return &option;
    if (name.size() == 1 && option.letter != '\0' && name[0] == option.letter) return &option;
  }
  bool is_help = name == kHelp.name || name == "h";
  return is_help ? &kHelp : nullptr;
}

// Exactly one option, at words[next].
Status take_option(std::span<const Option> known, std::span<const std::string> words, size_t& next,
                   Given& given) {
  const std::string& word = words[next++];
  std::string_view text = std::string_view(word).substr(word.starts_with("--") ? 2 : 1);
  size_t equals = text.find('=');
  std::string_view name = text.substr(0, equals);
  const Option* option = find_option(known, name);
  if (option == nullptr) {
    return fail(Errc::kInvalid, "unknown option {}",
                printable(std::string_view(word).substr(0, word.find('=')), 64));
  }
  if (option->takes == Takes::kNothing) {
    std::string_view value = equals == std::string_view::npos ? "true" : text.substr(equals + 1);
    if (value == "1") value = "true";
    if (value == "0") value = "false";
    if (value != "true" && value != "false") {
      return fail(Errc::kInvalid, "--{}: must be true or false", option->name);
    }
    given.add(option->name, std::string(value));
  } else if (equals != std::string_view::npos) {
    given.add(option->name, std::string(text.substr(equals + 1)));
  } else if (next < words.size()) {
    given.add(option->name, words[next++]);
  } else {
    return fail(Errc::kInvalid, "--{}: needs a value", option->name);
  }
  return {};
}

Status check_names(const Command& command, const Invocation& invocation) {
  size_t count = invocation.names.size();
  if (count < command.names_min && count == 0) {
    return fail(Errc::kInvalid, "{}: needs the name of a container", command.name);
  }
  if (count < command.names_min || count > command.names_max) {
    return fail(Errc::kInvalid, "usage: berth-oci {} [options] {}", command.name, command.operands);
  }
  return {};
}

std::string help_line(const Option& option) {
  std::string name = fmt::format("--{}{}", option.name, option.takes == Takes::kValue ? " X" : "");
  if (option.letter != '\0') name += fmt::format(", -{}", option.letter);
  return fmt::format("  {:<26} {}\n", name, option.help);
}

}  // namespace

void Given::add(std::string name, std::string value) {
  options_.emplace_back(std::move(name), std::move(value));
}

bool Given::has(std::string_view name) const {
  return std::any_of(options_.begin(), options_.end(),
                     [&](const auto& option) { return option.first == name; });
}

bool Given::flag(std::string_view name) const {
  return text(name, "false") == "true";
}

std::string Given::text(std::string_view name, std::string_view otherwise) const {
  auto last = std::find_if(options_.rbegin(), options_.rend(),
                           [&](const auto& option) { return option.first == name; });
  return last == options_.rend() ? std::string(otherwise) : last->second;
}

std::vector<std::string> Given::all(std::string_view name) const {
  std::vector<std::string> values;
  for (const auto& [given, value] : options_) {
    if (given == name) values.push_back(value);
  }
  return values;
}

Result<uint64_t> Given::number(std::string_view name, uint64_t max, uint64_t otherwise) const {
  if (!has(name)) return otherwise;
  std::string value = text(name, "");
  auto number = parse_u64(value);
  if (number && *number <= max) return *number;
  return fail(Errc::kInvalid, "--{}: must be from 0 to {}, not {}", name, max,
              printable(value, 32));
}

std::string Invocation::root() const {
  return global.text("root", kRootDefault);
}

std::span<const Option> global_options() {
  return kGlobalOptions;
}

Result<Given> parse_options(std::span<const Option> known, std::span<const std::string> words,
                            size_t& next) {
  Given given;
  while (next < words.size() && is_option(words[next])) {
    if (words[next] == "--") {
      ++next;
      break;
    }
    TRY(take_option(known, words, next, given));
  }
  return given;
}

Status parse_rest(const Command& command, std::span<const std::string> words,
                  Invocation& invocation) {
  size_t next = 0;
  while (next < words.size()) {
    bool ended = words[next] == "--";
    if (ended) ++next;
    if (!ended && is_option(words[next])) {
      TRY(take_option(command.options, words, next, invocation.options));
      continue;
    }
    if (next == words.size()) break;
    invocation.names.push_back(words[next++]);
    if (!ended && command.order == Order::kAny) continue;
    invocation.names.insert(invocation.names.end(), words.begin() + static_cast<long>(next),
                            words.end());
    break;
  }
  if (invocation.options.flag("help")) return {};
  return check_names(command, invocation);
}

std::string help(std::span<const Command> commands) {
  std::string text = "usage: berth-oci [global options] COMMAND [options] [CONTAINER] ...\n";
  for (const Command& command : commands) {
    text += fmt::format("  {:<10} {}\n", command.name, command.help);
  }
  text += "global options:\n";
  for (const Option& option : kGlobalOptions) text += help_line(option);
  return text + "berth-oci COMMAND --help names the options of a command.\n";
}

std::string help(const Command& command) {
  std::string text = fmt::format("usage: berth-oci {} [options] {}\n{}\n", command.name,
                                 command.operands, command.help);
  for (const Option& option : command.options) text += help_line(option);
  return text;
}

}  // namespace berth::oci
