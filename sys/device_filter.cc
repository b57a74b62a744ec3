#include "sys/device_filter.h"

#include "sys/bpf.h"
#include "sys/fd.h"
#include "sys/file.h"

#include <fcntl.h>

#include <array>

namespace berth::sys {
namespace {

// Registers: r1 is the context; r2 type, r3 access, r4 major, r5 minor once loaded.
bpf_insn load_word(int destination, int offset) {
  return bpf_instruction(BPF_LDX | BPF_MEM | BPF_W, destination, BPF_REG_1, offset, 0);
}

bpf_insn move_constant(int destination, int value) {
  return bpf_instruction(BPF_ALU64 | BPF_MOV | BPF_K, destination, 0, 0, value);
}

int access_bits(const std::string& access) {
  int bits = 0;
  for (char letter : access) {
    if (letter == 'r') bits |= BPF_DEVCG_ACC_READ;
    if (letter == 'w') bits |= BPF_DEVCG_ACC_WRITE;
    if (letter == 'm') bits |= BPF_DEVCG_ACC_MKNOD;
  }
  return bits;
}

// Falls through to the verdict when everything matches, else jumps behind it.
void append_rule(std::vector<bpf_insn>& program, const DeviceRule& rule) {
  std::vector<bpf_insn> tests;
  auto unless_equal = [&](int reg, int value) {
    tests.push_back(bpf_instruction(BPF_JMP | BPF_JNE | BPF_K, reg, 0, 0, value));
  };
  if (rule.type != 'a') {
    unless_equal(BPF_REG_2, rule.type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
  }
  int bits = access_bits(rule.access);
  constexpr int kAllBits = BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE | BPF_DEVCG_ACC_MKNOD;
  if (bits != kAllBits) {
    // An allow rule must cover all that is asked; a deny rule bites when it covers any of it.
    tests.push_back(bpf_instruction(BPF_ALU | BPF_MOV | BPF_X, BPF_REG_6, BPF_REG_3, 0, 0));
    tests.push_back(bpf_instruction(BPF_ALU | BPF_AND | BPF_K, BPF_REG_6, 0, 0,
                                    rule.allow ? kAllBits & ~bits : bits));
    int jump = rule.allow ? BPF_JNE : BPF_JEQ;
    tests.push_back(bpf_instruction(BPF_JMP | jump | BPF_K, BPF_REG_6, 0, 0, 0));
  }
  if (rule.major) unless_equal(BPF_REG_4, static_cast<int>(*rule.major));
  if (rule.minor) unless_equal(BPF_REG_5, static_cast<int>(*rule.minor));
  constexpr size_t kVerdictLength = 2;
  for (size_t i = 0; i < tests.size(); ++i) {
    if (BPF_CLASS(tests[i].code) == BPF_JMP) {
      tests[i].off = static_cast<int16_t>(tests.size() - i - 1 + kVerdictLength);
    }
  }
  program.insert(program.end(), tests.begin(), tests.end());
  program.push_back(move_constant(BPF_REG_0, rule.allow ? 1 : 0));
  program.push_back(bpf_instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0));
}

bool matches_everything(const DeviceRule& rule) {
  return rule.type == 'a' && !rule.major && !rule.minor && access_bits(rule.access) == 7;
}

constexpr uint32_t kProgramsMax = 64;  // BPF_CGROUP_MAX_PROGS

// The programs that are attached to the group itself, by descriptor.
Result<std::vector<Fd>> attached_programs(int group) {
  std::array<uint32_t, kProgramsMax> ids{};
  bpf_attr query{};
  query.query.target_fd = static_cast<uint32_t>(group);
  query.query.attach_type = BPF_CGROUP_DEVICE;
  query.query.prog_ids = reinterpret_cast<uint64_t>(ids.data());
  query.query.prog_cnt = kProgramsMax;
  TRY(bpf("query the device filters", BPF_PROG_QUERY, query));
  std::vector<Fd> programs;
  for (uint32_t i = 0; i < query.query.prog_cnt; ++i) {
    bpf_attr get{};
    get.prog_id = ids[i];
    programs.emplace_back(TRY(bpf("open a device filter", BPF_PROG_GET_FD_BY_ID, get)));
  }
  return programs;
}

}  // namespace

std::vector<bpf_insn> compile_device_filter(const std::vector<DeviceRule>& rules) {
  std::vector<bpf_insn> program{
      load_word(BPF_REG_2, offsetof(bpf_cgroup_dev_ctx, access_type)),
      bpf_instruction(BPF_ALU | BPF_AND | BPF_K, BPF_REG_2, 0, 0, 0xffff),
      load_word(BPF_REG_3, offsetof(bpf_cgroup_dev_ctx, access_type)),
      bpf_instruction(BPF_ALU | BPF_RSH | BPF_K, BPF_REG_3, 0, 0, 16),
      load_word(BPF_REG_4, offsetof(bpf_cgroup_dev_ctx, major)),
      load_word(BPF_REG_5, offsetof(bpf_cgroup_dev_ctx, minor)),
  };
  for (auto rule = rules.rbegin(); rule != rules.rend(); ++rule) {
    append_rule(program, *rule);
    // Nothing before a rule for all devices can be reached; the verifier refuses dead code.
    if (matches_everything(*rule)) return program;
  }
  program.push_back(move_constant(BPF_REG_0, 1));
  program.push_back(bpf_instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0));
  return program;
}

Status attach_device_filter(const std::string& directory, const std::vector<DeviceRule>& rules) {
  std::vector<bpf_insn> program = compile_device_filter(rules);
  Fd loaded = TRY(
      load_bpf("load the device filter", program, BPF_PROG_TYPE_CGROUP_DEVICE, BPF_CGROUP_DEVICE));
  Fd group = TRY(open(directory, O_RDONLY | O_DIRECTORY));
  bpf_attr attach{};
  attach.target_fd = static_cast<uint32_t>(group.get());
  attach.attach_bpf_fd = static_cast<uint32_t>(loaded.get());
  attach.attach_type = BPF_CGROUP_DEVICE;
  attach.attach_flags = BPF_F_ALLOW_MULTI;
  TRY(bpf("attach the device filter", BPF_PROG_ATTACH, attach));
  return {};
}

Status replace_device_filter(const std::string& directory, const std::vector<DeviceRule>& rules) {
  Fd group = TRY(open(directory, O_RDONLY | O_DIRECTORY));
  std::vector<Fd> old = TRY(attached_programs(group.get()));
  // The new one first: at no time is there none.
  TRY(attach_device_filter(directory, rules));
  for (const Fd& program : old) {
    bpf_attr detach{};
    detach.target_fd = static_cast<uint32_t>(group.get());
    detach.attach_bpf_fd = static_cast<uint32_t>(program.get());
    detach.attach_type = BPF_CGROUP_DEVICE;
    TRY(bpf("detach a device filter", BPF_PROG_DETACH, detach));
  }
  return {};
}

}  // namespace berth::sys
