#include "runtime/seccomp_profile.h"

#include "base/text.h"
#include "sys/fd.h"
#include "sys/file.h"

#include <nlohmann/json.hpp>

#include <linux/seccomp.h>
#include <seccomp.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>

namespace berth::runtime {
namespace {

constexpr size_t kProgramMax = 4096 * sizeof(sock_filter);  // BPF_MAXINSNS

struct ContextCloser {
  void operator()(void* context) const { seccomp_release(context); }
};
using Context = std::unique_ptr<void, ContextCloser>;

enum class Takes { kNothing, kErrno };
struct ActionName {
  std::string_view name;
  uint32_t action;
  Takes takes;
};
constexpr std::array<ActionName, 9> kActions{{
    {"SCMP_ACT_ALLOW", SCMP_ACT_ALLOW, Takes::kNothing},
    {"SCMP_ACT_ERRNO", SCMP_ACT_ERRNO(0), Takes::kErrno},
    {"SCMP_ACT_KILL", SCMP_ACT_KILL_THREAD, Takes::kNothing},
    {"SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS, Takes::kNothing},
    {"SCMP_ACT_KILL_THREAD", SCMP_ACT_KILL_THREAD, Takes::kNothing},
    {"SCMP_ACT_LOG", SCMP_ACT_LOG, Takes::kNothing},
    {"SCMP_ACT_NOTIFY", SCMP_ACT_NOTIFY, Takes::kNothing},
    {"SCMP_ACT_TRACE", SCMP_ACT_TRACE(0), Takes::kErrno},
    {"SCMP_ACT_TRAP", SCMP_ACT_TRAP, Takes::kNothing},
}};
constexpr std::array<std::pair<std::string_view, scmp_compare>, 7> kOperators{{
    {"SCMP_CMP_EQ", SCMP_CMP_EQ},
    {"SCMP_CMP_GE", SCMP_CMP_GE},
    {"SCMP_CMP_GT", SCMP_CMP_GT},
    {"SCMP_CMP_LE", SCMP_CMP_LE},
    {"SCMP_CMP_LT", SCMP_CMP_LT},
    {"SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ},
    {"SCMP_CMP_NE", SCMP_CMP_NE},
}};
// A container starts with one thread: there is nothing to synchronise.
constexpr std::array<std::pair<std::string_view, unsigned>, 4> kFilterFlags{{
    {"SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG},
    {"SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW},
    {"SECCOMP_FILTER_FLAG_TSYNC", 0},
    {"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", 1u << 5},  // not in linux/seccomp.h before 5.19
}};
// Those of the specification; which of them libseccomp knows, it says itself.
constexpr std::string_view kArchitectures[] = {
    "AARCH64",  "ARM",         "LOONGARCH64", "M68K",     "MIPS", "MIPS64", "MIPS64N32", "MIPSEL",
    "MIPSEL64", "MIPSEL64N32", "PARISC",      "PARISC64", "PPC",  "PPC64",  "PPC64LE",   "RISCV64",
    "S390",     "S390X",       "SH",          "SHEB",     "X32",  "X86",    "X86_64"};

Result<uint32_t> action_of(const std::string& name, std::optional<uint32_t> errno_ret) {
  constexpr uint32_t kErrnoMask = 0xffff;
  for (const ActionName& known : kActions) {
    if (known.name != name) continue;
    if (known.takes == Takes::kErrno) {
      return known.action | (errno_ret.value_or(EPERM) & kErrnoMask);
    }
    if (!errno_ret) return known.action;
    return fail(Errc::kInvalid, "linux.seccomp: {} takes no errnoRet", name);
  }
  return fail(Errc::kInvalid, "linux.seccomp: unknown action {}", printable(name, 64));
}

Result<scmp_compare> comparison_of(const std::string& name) {
  for (const auto& [known, comparison] : kOperators) {
    if (known == name) return comparison;
  }
  return fail(Errc::kInvalid, "linux.seccomp: unknown operator {}", printable(name, 64));
}

uint32_t architecture_of(std::string_view name) {
  return seccomp_arch_resolve_name(to_lower(name).c_str());
}

bool notifies(const SeccompSpec& spec) {
  return std::any_of(spec.syscalls.begin(), spec.syscalls.end(),
                     [](const SeccompRule& rule) { return rule.action == "SCMP_ACT_NOTIFY"; });
}

// The listener goes to the agent by sendmsg(2) of the very process that loaded the filter, so
// neither everything nor that call can wait for the agent.
Status check_notify(const SeccompSpec& spec) {
  if (spec.default_action == "SCMP_ACT_NOTIFY") {
    return fail(Errc::kInvalid, "linux.seccomp.defaultAction: must not be SCMP_ACT_NOTIFY");
  }
  if (!notifies(spec)) return {};
  if (spec.listener_path.empty()) {
    return fail(Errc::kInvalid, "linux.seccomp.listenerPath: is required by SCMP_ACT_NOTIFY");
  }
  for (const SeccompRule& rule : spec.syscalls) {
    bool has_sendmsg =
        std::find(rule.names.begin(), rule.names.end(), "sendmsg") != rule.names.end();
    if (rule.action != "SCMP_ACT_NOTIFY" || !has_sendmsg) continue;
    return fail(Errc::kInvalid, "linux.seccomp.syscalls: SCMP_ACT_NOTIFY is not for sendmsg");
  }
  return {};
}

Status add_architectures(void* context, const SeccompSpec& spec) {
  for (const std::string& name : spec.architectures) {
    uint32_t token = architecture_of(name.starts_with("SCMP_ARCH_") ? name.substr(10) : name);
    if (token == 0) {
      return fail(Errc::kInvalid, "linux.seccomp.architectures: unknown {}", printable(name, 64));
    }
    int added = seccomp_arch_add(context, token);
    if (added != 0 && added != -EEXIST) {
      return fail_errno(-added, "linux.seccomp.architectures: {}", name);
    }
  }
  return {};
}

Status add_rule(void* context, const SeccompRule& rule, uint32_t default_action) {
  uint32_t action = TRY(action_of(rule.action, rule.errno_ret));
  if (action == default_action) return {};  // libseccomp refuses what changes nothing
  std::vector<scmp_arg_cmp> compares;
  for (const SeccompArgument& argument : rule.args) {
    scmp_compare op = TRY(comparison_of(argument.op));
    compares.push_back({argument.index, op, argument.value, argument.value_two});
  }
  for (const std::string& name : rule.names) {
    int number = seccomp_syscall_resolve_name(name.c_str());
    if (number == __NR_SCMP_ERROR) continue;  // not on this architecture, or newer than libseccomp
    int added = seccomp_rule_add_array(context, action, number,
                                       static_cast<unsigned>(compares.size()), compares.data());
    if (added != 0 && added != -EEXIST) {
      return fail_errno(-added, "linux.seccomp: rule for {}", printable(name, 64));
    }
  }
  return {};
}

Result<unsigned> flags_of(const SeccompSpec& spec) {
  unsigned flags = notifies(spec) ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0;
  for (const std::string& name : spec.flags) {
    auto known = std::find_if(kFilterFlags.begin(), kFilterFlags.end(),
                              [&](const auto& entry) { return entry.first == name; });
    if (known == kFilterFlags.end()) {
      return fail(Errc::kInvalid, "linux.seccomp.flags: unknown {}", printable(name, 64));
    }
    // About listeners; the kernel refuses it where there is none.
    bool without_listener = name.ends_with("_RECV") && !notifies(spec);
    if (!without_listener) flags |= known->second;
  }
  return flags;
}

Result<std::vector<sock_filter>> to_filter(std::string_view bytes) {
  if (bytes.empty() || bytes.size() > kProgramMax || bytes.size() % sizeof(sock_filter) != 0) {
    return fail(Errc::kCorrupt, "seccomp program of {} bytes", bytes.size());
  }
  std::vector<sock_filter> filter(bytes.size() / sizeof(sock_filter));
  std::memcpy(filter.data(), bytes.data(), bytes.size());
  return filter;
}

}  // namespace

std::string render_seccomp_json(const SeccompSpec& spec) {
  nlohmann::json json;
  json["defaultAction"] = spec.default_action;
  if (spec.default_errno_ret) json["defaultErrnoRet"] = *spec.default_errno_ret;
  json["architectures"] = spec.architectures;
  if (!spec.flags.empty()) json["flags"] = spec.flags;
  json["syscalls"] = nlohmann::json::array();
  for (const SeccompRule& rule : spec.syscalls) {
    nlohmann::json entry{{"names", rule.names}, {"action", rule.action}};
    if (rule.errno_ret) entry["errnoRet"] = *rule.errno_ret;
    for (const SeccompArgument& argument : rule.args) {
      entry["args"].push_back({{"index", argument.index},
                               {"value", argument.value},
                               {"valueTwo", argument.value_two},
                               {"op", argument.op}});
    }
    json["syscalls"].push_back(std::move(entry));
  }
  return json.dump();
}

SeccompNames seccomp_names() {
  SeccompNames names;
  for (const ActionName& action : kActions) names.actions.push_back(action.name);
  for (const auto& [name, comparison] : kOperators) names.operators.push_back(name);
  for (const auto& [name, flag] : kFilterFlags) names.flags.push_back(name);
  for (std::string_view name : kArchitectures) {
    if (architecture_of(name) != 0)
      names.architectures.push_back(fmt::format("SCMP_ARCH_{}", name));
  }
  return names;
}

Result<SeccompProgram> compile_seccomp(const SeccompSpec& spec) {
  TRY(check_notify(spec));
  SeccompProgram program;
  program.flags = TRY(flags_of(spec));
  uint32_t default_action = TRY(action_of(spec.default_action, spec.default_errno_ret));
  Context context(seccomp_init(default_action));
  if (!context) return fail(Errc::kInternal, "seccomp_init");
  // The runtime decides about no_new_privs; libseccomp must not.
  seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_NNP, 0);
  seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);  // a binary tree over the numbers
  TRY(add_architectures(context.get(), spec));
  for (const SeccompRule& rule : spec.syscalls) TRY(add_rule(context.get(), rule, default_action));
  sys::Fd memory = TRY(sys::make_memfd("seccomp"));
  int exported = seccomp_export_bpf(context.get(), memory.get());
  if (exported != 0) return fail_errno(-exported, "seccomp_export_bpf");
  auto bytes = sys::read_file(sys::proc_path(memory.get()), kProgramMax);
  if (!bytes && bytes.error().code == Errc::kExhausted) {
    return fail(Errc::kInvalid,
                "linux.seccomp.syscalls: the rules make more than the {} instructions that the "
                "kernel takes for a filter",
                BPF_MAXINSNS);
  }
  program.compiled = TRY(to_filter(TRY(std::move(bytes))));
  program.filter = program.compiled;
  return program;
}

}  // namespace berth::runtime
