#include "sys/steering.h"

#include "sys/bpf.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <array>
#include <cstddef>
#include <cstring>

namespace berth::sys {
namespace {

constexpr int kLoopbackIndex = 1;  // of lo, in every network namespace

int number_of(SteeredProtocol protocol) {
  return protocol == SteeredProtocol::kTcp ? IPPROTO_TCP : IPPROTO_UDP;
}

// r6 holds the context, r7 the socket. What no steering is about passes untouched. The sockets are
// in the map in the order of the steerings.
class SteeringProgram {
 public:
  explicit SteeringProgram(int map) : map_(map) {}

  std::vector<bpf_insn> write(const std::vector<Steering>& steerings) {
    add(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_6, BPF_REG_1, 0, 0);
    for (size_t i = 0; i < steerings.size(); ++i) lead(steerings[i], static_cast<int>(i));
    leave(SK_PASS);
    for (size_t from : drops_) land(from);
    leave(SK_DROP);
    return std::move(code_);
  }

 private:
  void lead(const Steering& steering, int place) {
    others_.clear();
    go_on_unless(offsetof(bpf_sk_lookup, protocol), number_of(steering.protocol));
    std::visit([this](const auto& address) { go_on_unless_to(address); }, steering.address);
    go_on_unless(offsetof(bpf_sk_lookup, local_port), steering.port);
    load(offsetof(bpf_sk_lookup, ingress_ifindex));
    drops_.push_back(jump(BPF_JMP32 | BPF_JNE | BPF_K, BPF_REG_2, kLoopbackIndex));
    find_socket(place);
    drops_.push_back(jump(BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_0, 0));
    assign_socket();
    leave(SK_PASS);
    for (size_t from : others_) land(from);
  }

  void add(int code, int destination, int source, int offset, int immediate) {
    code_.push_back(bpf_instruction(code, destination, source, offset, immediate));
  }
  void call(int helper) { add(BPF_JMP | BPF_CALL, 0, 0, 0, helper); }
  void load(size_t offset) {
    add(BPF_LDX | BPF_MEM | BPF_W, BPF_REG_2, BPF_REG_6, static_cast<int>(offset), 0);
  }
  // Where to is said by land().
  size_t jump(int code, int left, int right) {
    add(code, left, 0, 0, right);
    return code_.size() - 1;
  }
  void land(size_t from) { code_[from].off = static_cast<int16_t>(code_.size() - from - 1); }
  void go_on_unless(size_t offset, int value) {
    load(offset);
    others_.push_back(jump(BPF_JMP32 | BPF_JNE | BPF_K, BPF_REG_2, value));
  }
  // What is of the other family has zeros there.
  void go_on_unless_to(const Ipv4& address) {
    go_on_unless(offsetof(bpf_sk_lookup, local_ip4), static_cast<int>(htonl(address.value)));
  }
  void go_on_unless_to(const Ipv6& address) {
    for (size_t at = 0; at < address.bytes.size(); at += sizeof(int)) {
      int word = 0;
      std::memcpy(&word, address.bytes.data() + at, sizeof(word));
      go_on_unless(offsetof(bpf_sk_lookup, local_ip6) + at, word);
    }
  }
  void find_socket(int place) {
    constexpr int kKey = -4;  // on the stack
    add(BPF_ST | BPF_MEM | BPF_W, BPF_REG_10, 0, kKey, place);
    add(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_2, BPF_REG_10, 0, 0);
    add(BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_2, 0, 0, kKey);
    add(BPF_LD | BPF_IMM | BPF_DW, BPF_REG_1, BPF_PSEUDO_MAP_FD, 0, map_);
    add(0, 0, 0, 0, 0);  // the upper half of the map's pointer
    call(BPF_FUNC_map_lookup_elem);
  }
  void assign_socket() {
    add(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_7, BPF_REG_0, 0, 0);
    add(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_1, BPF_REG_6, 0, 0);
    add(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_2, BPF_REG_7, 0, 0);
    add(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_3, 0, 0, 0);
    call(BPF_FUNC_sk_assign);
    add(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_1, BPF_REG_7, 0, 0);
    call(BPF_FUNC_sk_release);
  }
  void leave(int verdict) {
    add(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, verdict);
    add(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
  }

  int map_;
  std::vector<bpf_insn> code_;
  std::vector<size_t> others_;  // jumps to the next steering
  std::vector<size_t> drops_;
};

Result<Fd> make_socket_map(const std::vector<Steering>& steerings) {
  bpf_attr make{};
  make.map_type = BPF_MAP_TYPE_SOCKMAP;
  make.key_size = sizeof(uint32_t);
  make.value_size = sizeof(uint64_t);
  make.max_entries = static_cast<uint32_t>(steerings.size());
  Fd map(TRY(bpf("make a socket map", BPF_MAP_CREATE, make)));
  for (uint32_t key = 0; key < steerings.size(); ++key) {
    auto value = static_cast<uint64_t>(steerings[key].socket);
    bpf_attr put{};
    put.map_fd = static_cast<uint32_t>(map.get());
    put.key = reinterpret_cast<uint64_t>(&key);
    put.value = reinterpret_cast<uint64_t>(&value);
    TRY(bpf("fill a socket map", BPF_MAP_UPDATE_ELEM, put));
  }
  return map;
}

}  // namespace

Result<Fd> steer(int network_namespace, const std::vector<Steering>& steerings) {
  Fd map = TRY(make_socket_map(steerings));
  Fd program = TRY(load_bpf("load the program that steers connections",
                            SteeringProgram(map.get()).write(steerings), BPF_PROG_TYPE_SK_LOOKUP,
                            BPF_SK_LOOKUP));
  bpf_attr link{};
  link.link_create.prog_fd = static_cast<uint32_t>(program.get());
  link.link_create.target_fd = static_cast<uint32_t>(network_namespace);
  link.link_create.attach_type = BPF_SK_LOOKUP;
  return Fd(TRY(bpf("steer connections of a network namespace", BPF_LINK_CREATE, link)));
}

}  // namespace berth::sys
