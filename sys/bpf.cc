#include "sys/bpf.h"

#include "sys/call.h"

#include <sys/syscall.h>
#include <unistd.h>

namespace berth::sys {

bpf_insn bpf_instruction(int code, int destination, int source, int offset, int immediate) {
  return {.code = static_cast<uint8_t>(code),
          .dst_reg = static_cast<uint8_t>(destination & 15),
          .src_reg = static_cast<uint8_t>(source & 15),
          .off = static_cast<int16_t>(offset),
          .imm = immediate};
}

Result<long> bpf(const char* detail, int command, bpf_attr& attributes) {
  return call("bpf", detail,
              [&] { return ::syscall(SYS_bpf, command, &attributes, sizeof(attributes)); });
}

Result<Fd> load_bpf(const char* detail, const std::vector<bpf_insn>& program, bpf_prog_type type,
                    bpf_attach_type attach) {
  static constexpr char kLicense[] = "Apache-2.0";
  bpf_attr load{};
  load.prog_type = type;
  load.insns = reinterpret_cast<uint64_t>(program.data());
  load.insn_cnt = static_cast<uint32_t>(program.size());
  load.license = reinterpret_cast<uint64_t>(kLicense);
  load.expected_attach_type = attach;
  return Fd(TRY(bpf(detail, BPF_PROG_LOAD, load)));
}

}  // namespace berth::sys
