// bpf(2) for the few small programs of berth, assembled by hand: no compiler at run time, no object
// files beside the program.
#pragma once

#include "base/result.h"
#include "sys/fd.h"

#include <linux/bpf.h>

#include <vector>

namespace berth::sys {

// `code` is an opcode such as BPF_LDX | BPF_MEM | BPF_W.
bpf_insn bpf_instruction(int code, int destination, int source, int offset, int immediate);

// One command; `detail` is for the error.
Result<long> bpf(const char* detail, int command, bpf_attr& attributes);

// Loads a program; those of links (BPF_LINK_CREATE) say to what they will be attached.
Result<Fd> load_bpf(const char* detail, const std::vector<bpf_insn>& program, bpf_prog_type type,
                    bpf_attach_type attach);

}  // namespace berth::sys
