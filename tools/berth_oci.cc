// berth-oci: an OCI runtime with runc's command line.
//
//   berth-oci [--root DIR] [--log FILE] [--log-format text|json] COMMAND [options] [CONTAINER]
//
// Exit codes as runc's: 0, 1 for any error, and for `run` in the foreground the program's own.
#include "base/env.h"
#include "base/log.h"
#include "base/text.h"
#include "runtime/container.h"
#include "runtime/default_spec.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/own_binary.h"

#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

namespace {

using namespace berth;  // NOLINT: this is main()

constexpr const char* kVersion = "0.1.0";
constexpr const char* kUsage =
    "usage: berth-oci [--root DIR] [--log FILE] [--log-format text|json] COMMAND ...\n"
    "  create [--bundle DIR] [--pid-file FILE] [--preserve-fds N] CONTAINER\n"
    "  start CONTAINER\n"
    "  run [--bundle DIR] [--pid-file FILE] [--preserve-fds N] [--detach] CONTAINER\n"
    "  state CONTAINER\n"
    "  list [--format table|json] [--quiet]\n"
    "  kill [--all] CONTAINER [SIGNAL]\n"
    "  delete [--force] CONTAINER\n"
    "  spec [--bundle DIR]\n";

struct Arguments {
  std::string root = "/run/berth-oci";
  std::string log;
  std::string log_format = "text";
  std::string command;
  std::string bundle = ".";
  std::string pid_file;
  std::string format = "table";
  int preserve_fds = 0;
  bool force = false;
  bool all = false;
  bool detach = false;
  bool quiet = false;
  bool version = false;
  bool help = false;
  std::vector<std::string> names;
};

struct Option {
  const char* name;
  const char* letter;
  const char* commands;  // "" for options before the command
  std::string Arguments::*text;
  bool Arguments::*flag;
};

constexpr std::array<Option, 15> kOptions{{
    {"--root", "", "", &Arguments::root, nullptr},
    {"--log", "", "", &Arguments::log, nullptr},
    {"--log-format", "", "", &Arguments::log_format, nullptr},
    {"--version", "-v", "", nullptr, &Arguments::version},
    {"--help", "-h", "", nullptr, &Arguments::help},
    {"--bundle", "-b", "create run spec", &Arguments::bundle, nullptr},
    {"--pid-file", "", "create run", &Arguments::pid_file, nullptr},
    {"--format", "-f", "list", &Arguments::format, nullptr},
    {"--quiet", "-q", "list", nullptr, &Arguments::quiet},
    {"--force", "-f", "delete", nullptr, &Arguments::force},
    {"--all", "-a", "kill", nullptr, &Arguments::all},
    {"--detach", "-d", "run", nullptr, &Arguments::detach},
    {"--no-new-keyring", "", "create run", nullptr, nullptr},
    {"--help", "-h", "create start run state list kill delete spec", nullptr, &Arguments::help},
    {"--systemd-cgroup", "", "-", nullptr, nullptr},
}};

const Option* find_option(const std::string& command, const std::string& name) {
  for (const Option& option : kOptions) {
    std::vector<std::string> commands = split(option.commands, ' ');
    bool fits = std::find(commands.begin(), commands.end(), command) != commands.end();
    if (fits && (name == option.name || (option.letter[0] != '\0' && name == option.letter))) {
      return &option;
    }
  }
  return nullptr;
}

Status refuse_known(const std::string& name) {
  if (name == "--console-socket") {
    return fail(Errc::kUnsupported, "--console-socket: a terminal is not supported yet");
  }
  if (name == "--no-pivot") {
    return fail(Errc::kUnsupported,
                "--no-pivot: is unsafe and not offered; use a root file system "
                "that is not an initramfs");
  }
  if (name == "--systemd-cgroup") {
    return fail(Errc::kUnsupported, "--systemd-cgroup: is not supported yet");
  }
  return fail(Errc::kInvalid, "unknown option {}", printable(name, 64));
}

Status set_option(Arguments& arguments, const std::string& name,
                  const std::vector<std::string>& words, size_t& next,
                  const std::optional<std::string>& attached) {
  auto value = [&]() -> Result<std::string> {
    if (attached) return *attached;
    if (next == words.size()) return fail(Errc::kInvalid, "{}: needs a value", name);
    return words[next++];
  };
  bool makes = arguments.command == "create" || arguments.command == "run";
  if (name == "--preserve-fds" && makes) {
    auto number = parse_u64(TRY(value()));
    constexpr uint64_t kPreserveMax = 1024;
    if (!number || *number > kPreserveMax) {
      return fail(Errc::kInvalid, "--preserve-fds: must be 0 to {}", kPreserveMax);
    }
    arguments.preserve_fds = static_cast<int>(*number);
    return {};
  }
  const Option* option = find_option(arguments.command, name);
  if (option == nullptr) return refuse_known(name);
  if (option->text != nullptr) arguments.*option->text = TRY(value());
  if (option->flag != nullptr) arguments.*option->flag = true;
  return {};
}

Result<Arguments> parse(const std::vector<std::string>& words) {
  Arguments arguments;
  for (size_t next = 0; next < words.size();) {
    const std::string& word = words[next++];
    if (word.size() < 2 || word[0] != '-') {
      if (arguments.command.empty()) {
        arguments.command = word;
      } else {
        arguments.names.push_back(word);
      }
      continue;
    }
    size_t equals = word.find('=');
    std::optional<std::string> attached;
    if (equals != std::string::npos) attached = word.substr(equals + 1);
    TRY(set_option(arguments, word.substr(0, equals), words, next, attached));
  }
  return arguments;
}

Result<std::string> container_of(const Arguments& arguments, size_t names_max) {
  if (arguments.names.empty()) {
    return fail(Errc::kInvalid, "{}: needs the name of a container", arguments.command);
  }
  if (arguments.names.size() > names_max) {
    return fail(Errc::kInvalid, "{}: too many arguments", arguments.command);
  }
  return arguments.names[0];
}

// "TERM", "SIGTERM", "15".
Result<int> parse_signal(const std::string& text) {
  if (auto number = parse_u64(text); number && *number > 0 && *number < 65) {
    return static_cast<int>(*number);
  }
  std::string name = text.starts_with("SIG") ? text.substr(3) : text;
  for (int signal = 1; signal < 32; ++signal) {
    const char* known = ::sigabbrev_np(signal);
    if (known != nullptr && name == known) return signal;
  }
  return fail(Errc::kInvalid, "unknown signal {}", printable(text, 32));
}

Status print_list(const Arguments& arguments) {
  std::vector<runtime::State> states = TRY(runtime::list(arguments.root));
  if (arguments.format == "json") {
    std::vector<std::string> items;
    for (const runtime::State& state : states) items.push_back(runtime::render_oci(state));
    std::printf("[%s]\n", join(items, ",").c_str());
    return {};
  }
  if (!arguments.quiet) std::printf("%-36s %-8s %-8s %s\n", "ID", "PID", "STATUS", "BUNDLE");
  for (const runtime::State& state : states) {
    if (arguments.quiet) {
      std::printf("%s\n", state.id.c_str());
      continue;
    }
    bool gone = state.status == runtime::ContainerStatus::kStopped;
    std::printf("%-36s %-8d %-8s %s\n", state.id.c_str(), gone ? 0 : state.pid,
                runtime::name_of(state.status), state.bundle.c_str());
  }
  return {};
}

Status write_spec(const Arguments& arguments) {
  std::string path = arguments.bundle + "/config.json";
  if (sys::exists(path)) return fail(Errc::kExists, "{} exists already; remove it first", path);
  return sys::write_replace(path, runtime::render_default_spec(), 0644);
}

runtime::CreateOptions create_options(const Arguments& arguments, std::string id) {
  return {.root = arguments.root,
          .id = std::move(id),
          .bundle = arguments.bundle,
          .pid_file = arguments.pid_file,
          .cache_dir = "",
          .preserve_fds = arguments.preserve_fds};
}

// Commands that run code of a container first move our own executable out of its reach.
Result<int> make_container(const Arguments& arguments, char** argv) {
  TRY(sys::protect_own_binary(argv));
  std::string id = TRY(container_of(arguments, 1));
  runtime::CreateOptions options = create_options(arguments, std::move(id));
  if (arguments.command == "create") {
    TRY(runtime::create(options));
    return 0;
  }
  return runtime::run(
      options, arguments.detach ? runtime::RunMode::kDetached : runtime::RunMode::kForeground);
}

Status kill_container(const Arguments& arguments) {
  std::string id = TRY(container_of(arguments, 2));
  int signal = SIGTERM;
  if (arguments.names.size() == 2) signal = TRY(parse_signal(arguments.names[1]));
  auto target = arguments.all ? runtime::KillTarget::kAllProcesses : runtime::KillTarget::kInit;
  return runtime::kill(arguments.root, id, signal, target);
}

Result<int> obey(const Arguments& arguments, char** argv) {
  const std::string& command = arguments.command;
  if (command == "create" || command == "run") return make_container(arguments, argv);
  if (command == "kill") {
    TRY(kill_container(arguments));
  } else if (command == "list") {
    TRY(print_list(arguments));
  } else if (command == "spec") {
    TRY(write_spec(arguments));
  } else if (command == "start" || command == "state" || command == "delete") {
    std::string id = TRY(container_of(arguments, 1));
    if (command == "start") TRY(runtime::start(arguments.root, id));
    if (command == "state") {
      runtime::State state = TRY(runtime::state(arguments.root, id));
      std::printf("%s\n", runtime::render_oci(state).c_str());
    }
    auto mode = arguments.force ? runtime::DeleteMode::kForce : runtime::DeleteMode::kStoppedOnly;
    if (command == "delete") TRY(runtime::remove(arguments.root, id, mode));
  } else {
    return fail(Errc::kInvalid, "unknown command {}", printable(command, 64));
  }
  return 0;
}

// As runc: one line in the log file if there is one, and the words on standard error.
void report(const Arguments& arguments, const Error& error) {
  std::fprintf(stderr, "berth-oci: %s\n", error.text.c_str());
  if (arguments.log.empty()) return;
  sys::SystemClock clock;
  std::string time = format_rfc3339(clock.wall());
  nlohmann::ordered_json record{{"level", "error"}, {"msg", error.text}, {"time", time}};
  std::string line =
      arguments.log_format == "json"
          ? record.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)
          : fmt::format("time=\"{}\" level=error msg=\"{}\"", time, printable(error.text, 4096));
  auto file = sys::create(arguments.log, O_WRONLY | O_APPEND, 0644);
  if (file) (void)sys::write_all(file->get(), line + "\n");  // standard error has it already
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> words(argv + 1, argv + argc);
  auto arguments = parse(words);
  if (!arguments) {
    report({}, arguments.error());
    return 1;
  }
  if (arguments->version) {
    std::printf("berth-oci version %s\nspec: 1.2.0\n", kVersion);
    return 0;
  }
  if (arguments->help || arguments->command.empty()) {
    std::fputs(kUsage, arguments->help ? stdout : stderr);
    return arguments->help ? 0 : 1;
  }
  auto code = obey(*arguments, argv);
  if (!code) report(*arguments, code.error());
  return code ? *code : 1;
}
