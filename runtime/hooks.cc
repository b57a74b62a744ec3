#include "runtime/hooks.h"

#include "base/log.h"
#include "base/text.h"
#include "runtime/parse.h"
#include "sys/fd.h"
#include "sys/file.h"
#include "sys/path.h"
#include "sys/spawn.h"
#include "sys/tree.h"
#include "sys/wait.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <csignal>

namespace berth::runtime {
namespace {

constexpr size_t kToldMax = 512;  // bytes of a failed hook's output in its error
constexpr uint32_t kTimeoutMaxS = 24 * 60 * 60;

Result<Hook> parse_hook(const json::Node& node) {
  Hook hook;
  TRY(node.at("path"));
  hook.path = TRY(parse::find_text(node, "path"));
  if (hook.path.empty() || hook.path[0] != '/') {
    json::Node path = TRY(node.at("path"));
    return parse::invalid(path, "must be an absolute path");
  }
  hook.args = TRY(parse::find_texts(node, "args"));
  if (node.find("env")) hook.env = TRY(parse::find_texts(node, "env"));
  hook.timeout_s = TRY(parse::find_u32(node, "timeout"));
  if (hook.timeout_s && (*hook.timeout_s == 0 || *hook.timeout_s > kTimeoutMaxS)) {
    json::Node timeout = TRY(node.at("timeout"));
    return parse::invalid(timeout, fmt::format("must be from 1 to {} seconds", kTimeoutMaxS));
  }
  return hook;
}

// The end of what the hook wrote, on one line.
std::string told(int output) {
  auto size = sys::stat_fd(output);
  if (!size) return "";
  off_t from = std::max<off_t>(0, size->st_size - static_cast<off_t>(kToldMax));
  std::string text(kToldMax, '\0');
  text.resize(sys::read_at(output, text.data(), text.size(), from).value_or(0));
  std::string line(trim(text));
  std::replace(line.begin(), line.end(), '\n', ' ');
  return line.empty() ? "" : ": " + printable(line, kToldMax);
}

// A memory file with the state, to be read from its beginning.
Result<sys::Fd> make_input(const std::string& state) {
  sys::Fd input = TRY(sys::make_memfd("state"));
  TRY(sys::write_at(input.get(), state, 0));
  return input;
}

Result<sys::ExitStatus> wait_bounded(const sys::Process& process, const Hook& hook) {
  pollfd polled{process.pidfd.get(), POLLIN, 0};
  int timeout_ms = hook.timeout_s ? static_cast<int>(*hook.timeout_s * 1000) : -1;
  long ready = TRY(sys::wait_for({&polled, 1}, timeout_ms, hook.path));
  if (ready > 0) return sys::wait(process);
  TRY(sys::send_signal(process, SIGKILL));
  TRY(sys::wait(process));
  return fail(Errc::kCancelled, "was killed after its timeout of {} s", *hook.timeout_s);
}

Status run_hook(const Hook& hook, const std::string& bundle, const std::string& state) {
  sys::Fd input = TRY(make_input(state));
  sys::Fd output = TRY(sys::make_memfd("output"));
  sys::Program program{.path = hook.path,
                       .arguments = hook.args,
                       .environment = hook.env,
                       .descriptors = {{input.get(), 0}, {output.get(), 1}, {output.get(), 2}},
                       .working_directory = bundle};
  if (program.arguments.empty()) program.arguments.push_back(hook.path);
  sys::Process process = TRY(sys::spawn(program));
  auto status = wait_bounded(process, hook);
  if (!status) {
    Error error = std::move(status).error();
    error.text += told(output.get());
    return tl::unexpected<Error>(std::move(error));
  }
  if (status->shell_code() == 0) return {};
  if (status->signal != 0) {
    return fail(Errc::kCancelled, "killed by signal {}{}", status->signal, told(output.get()));
  }
  return fail(Errc::kCancelled, "exit status {}{}", status->code, told(output.get()));
}

}  // namespace

bool Hooks::empty() const {
  return std::all_of(lists.begin(), lists.end(), [](const auto& list) { return list.empty(); });
}

Result<Hooks> parse_hooks(const json::Node& node) {
  Hooks hooks;
  for (size_t kind = 0; kind < kHookKinds; ++kind) {
    for (const json::Node& entry : TRY(node.find_array(kHookNames[kind]))) {
      hooks.lists[kind].push_back(TRY(parse_hook(entry)));
    }
    if (hooks.lists[kind].size() > kHooksMax) {
      return fail(Errc::kInvalid, "{}.{}: has more than {} hooks", node.path(), kHookNames[kind],
                  kHooksMax);
    }
  }
  return hooks;
}

std::string render_hooks(const Hooks& hooks, std::initializer_list<HookKind> kinds) {
  nlohmann::json json = nlohmann::json::object();
  for (HookKind kind : kinds) {
    for (const Hook& hook : hooks.of(kind)) {
      nlohmann::json entry{{"path", hook.path}, {"args", hook.args}};
      if (hook.env) entry["env"] = *hook.env;
      if (hook.timeout_s) entry["timeout"] = *hook.timeout_s;
      json[std::string(kHookNames[static_cast<size_t>(kind)])].push_back(std::move(entry));
    }
  }
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Status run_hooks(const Hooks& hooks, HookKind kind, const std::string& bundle,
                 const std::string& state) {
  const std::vector<Hook>& list = hooks.of(kind);
  for (size_t i = 0; i < list.size(); ++i) {
    auto ran = run_hook(list[i], bundle, state);
    if (ran) continue;
    return wrap(std::move(ran).error(), "hooks.{}[{}] {}", kHookNames[static_cast<size_t>(kind)], i,
                list[i].path);
  }
  return {};
}

void run_hooks_to_the_end(const Hooks& hooks, HookKind kind, const std::string& bundle,
                          const std::string& state) {
  for (const Hook& hook : hooks.of(kind)) {
    auto ran = run_hook(hook, bundle, state);
    if (ran) continue;
    LOG(kWarn, "hook failed",
        {{"kind", kHookNames[static_cast<size_t>(kind)]},
         {"path", hook.path},
         {"error", ran.error().text}});
  }
}

}  // namespace berth::runtime
