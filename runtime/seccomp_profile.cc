#include "runtime/seccomp_profile.h"

#include "base/log.h"
#include "base/text.h"
#include "sys/fd.h"
#include "sys/file.h"

#include <nlohmann/json.hpp>

#include <linux/seccomp.h>
#include <seccomp.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <optional>

namespace berth::runtime {
namespace {

constexpr size_t kProgramMax = 4096 * sizeof(sock_filter);  // BPF_MAXINSNS
constexpr size_t kCacheFileMax = 4 * 1024 * 1024;
constexpr std::string_view kMagic = "berth-seccomp 1\n";

struct ContextCloser {
  void operator()(void* context) const { seccomp_release(context); }
};
using Context = std::unique_ptr<void, ContextCloser>;

Result<uint32_t> action_of(const std::string& name, std::optional<uint32_t> errno_ret) {
  uint32_t value = errno_ret.value_or(1) & 0xffff;  // EPERM
  if (name == "SCMP_ACT_ALLOW") return SCMP_ACT_ALLOW;
  if (name == "SCMP_ACT_ERRNO") return SCMP_ACT_ERRNO(value);
  if (name == "SCMP_ACT_KILL" || name == "SCMP_ACT_KILL_THREAD") return SCMP_ACT_KILL_THREAD;
  if (name == "SCMP_ACT_KILL_PROCESS") return SCMP_ACT_KILL_PROCESS;
  if (name == "SCMP_ACT_TRAP") return SCMP_ACT_TRAP;
  if (name == "SCMP_ACT_TRACE") return SCMP_ACT_TRACE(value);
  if (name == "SCMP_ACT_LOG") return SCMP_ACT_LOG;
  return fail(Errc::kUnsupported, "linux.seccomp: action {} is not supported", printable(name, 64));
}

Result<scmp_compare> comparison_of(const std::string& name) {
  if (name == "SCMP_CMP_NE") return SCMP_CMP_NE;
  if (name == "SCMP_CMP_LT") return SCMP_CMP_LT;
  if (name == "SCMP_CMP_LE") return SCMP_CMP_LE;
  if (name == "SCMP_CMP_EQ") return SCMP_CMP_EQ;
  if (name == "SCMP_CMP_GE") return SCMP_CMP_GE;
  if (name == "SCMP_CMP_GT") return SCMP_CMP_GT;
  if (name == "SCMP_CMP_MASKED_EQ") return SCMP_CMP_MASKED_EQ;
  return fail(Errc::kInvalid, "linux.seccomp: unknown operator {}", printable(name, 64));
}

Status add_architectures(void* context, const SeccompSpec& spec) {
  for (const std::string& name : spec.architectures) {
    std::string short_name = to_lower(name.starts_with("SCMP_ARCH_") ? name.substr(10) : name);
    uint32_t token = seccomp_arch_resolve_name(short_name.c_str());
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
  unsigned flags = 0;
  for (const std::string& name : spec.flags) {
    if (name == "SECCOMP_FILTER_FLAG_LOG") {
      flags |= SECCOMP_FILTER_FLAG_LOG;
    } else if (name == "SECCOMP_FILTER_FLAG_SPEC_ALLOW") {
      flags |= SECCOMP_FILTER_FLAG_SPEC_ALLOW;
    } else if (name != "SECCOMP_FILTER_FLAG_TSYNC") {  // one thread: nothing to synchronise
      return fail(Errc::kUnsupported, "linux.seccomp.flags: {} is not supported",
                  printable(name, 64));
    }
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

// The profile as text: equal text, equal program.
std::string key_of(const SeccompSpec& spec, uint32_t actions) {
  std::string key = fmt::format("libseccomp {}.{}.{} native {:x} actions {:x}\n", SCMP_VER_MAJOR,
                                SCMP_VER_MINOR, SCMP_VER_MICRO, seccomp_arch_native(), actions);
  key += fmt::format("{} {} {} {}\n", spec.default_action, spec.default_errno_ret.value_or(1),
                     join(spec.architectures, ","), join(spec.flags, ","));
  for (const SeccompRule& rule : spec.syscalls) {
    key += fmt::format("{} {} {}", rule.action, rule.errno_ret.value_or(1), join(rule.names, ","));
    for (const SeccompArgument& argument : rule.args) {
      key += fmt::format(" {}:{}:{}:{}", argument.index, argument.op, argument.value,
                         argument.value_two);
    }
    key += '\n';
  }
  return key;
}

uint64_t fnv1a(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325ull;
  for (char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ull;
  return hash;
}

std::optional<std::vector<sock_filter>> read_cached(const std::string& path,
                                                    const std::string& header) {
  auto file = sys::read_file(path, kCacheFileMax);
  if (!file || !file->starts_with(header)) return std::nullopt;
  auto filter = to_filter(std::string_view(*file).substr(header.size()));
  if (!filter) return std::nullopt;
  return std::move(*filter);
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

Result<SeccompProgram> compile_seccomp(const SeccompSpec& spec) {
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
  program.filter = TRY(to_filter(TRY(std::move(bytes))));
  return program;
}

Result<SeccompProgram> cached_seccomp(const SeccompSpec& spec, const std::string& cache_dir,
                                      uint32_t actions) {
  std::string key = key_of(spec, actions);
  std::string header = std::string(kMagic) + key + '\0';
  std::string path = fmt::format("{}/{:016x}.bpf", cache_dir, fnv1a(key));
  if (auto cached = read_cached(path, header)) {
    unsigned flags = TRY(flags_of(spec));
    return SeccompProgram{std::move(*cached), flags};
  }
  SeccompProgram program = TRY(compile_seccomp(spec));
  std::string_view bytes(reinterpret_cast<const char*>(program.filter.data()),
                         program.filter.size() * sizeof(sock_filter));
  auto kept = sys::make_directories(cache_dir, 0700);
  if (kept) kept = sys::write_replace(path, header + std::string(bytes), 0600);
  if (!kept) LOG(kDebug, "seccomp program not cached", {{"error", kept.error().text}});
  return program;
}

}  // namespace berth::runtime
