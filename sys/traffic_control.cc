#include "sys/traffic_control.h"

#include "sys/netlink_message.h"

#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>

#include <algorithm>
#include <limits>

namespace berth::sys {
namespace {

// Packets that wait in it at most; tc's own default.
constexpr uint32_t kNetemLimit = 1000;
constexpr int kPercentAll = 100;

// tc_u32_sel ends in a flexible array of keys, so its keys are appended.
constexpr int kIpv4Destination = 16;  // offsets in the header
constexpr int kIpv6Destination = 24;

}  // namespace

std::string prio_options(int bands, uint8_t otherwise) {
  tc_prio_qopt options{};
  options.bands = bands;
  std::fill(std::begin(options.priomap), std::end(options.priomap),
            static_cast<uint8_t>(otherwise - 1));
  return std::string(bytes_of(options));
}

std::string netem_options(const Netem& netem) {
  tc_netem_qopt options{};
  options.limit = kNetemLimit;
  uint64_t all = std::numeric_limits<uint32_t>::max();
  options.loss = static_cast<uint32_t>(all * static_cast<uint64_t>(netem.loss_percent) /
                                       static_cast<uint64_t>(kPercentAll));
  std::string bytes(bytes_of(options));
  append_value(bytes, TCA_NETEM_LATENCY64, int64_t{netem.delay.count()});
  append_value(bytes, TCA_NETEM_JITTER64, int64_t{netem.jitter.count()});
  return bytes;
}

bool netem_loses(std::string_view options) {
  return read_value<tc_netem_qopt>(options).loss != 0;
}

std::string destination_options(const IpNet& to, uint32_t traffic_class) {
  int words = to.is_v6 ? 4 : 1;
  tc_u32_sel selector{};
  selector.flags = TC_U32_TERMINAL;
  selector.nkeys = static_cast<unsigned char>(words);
  std::string bytes(bytes_of(selector));
  for (int i = 0; i < words; ++i) {
    std::array<uint8_t, 4> mask{};
    for (int byte = 0; byte < 4; ++byte) {
      int kept = std::clamp(to.prefix - (i * 4 + byte) * 8, 0, 8);
      mask.at(static_cast<size_t>(byte)) = static_cast<uint8_t>(0xff << (8 - kept));
    }
    tc_u32_key key{};
    key.mask = read_value<uint32_t>(bytes_of(mask));
    key.val = read_value<uint32_t>(bytes_of(to.address).substr(static_cast<size_t>(i) * 4, 4));
    key.off = (to.is_v6 ? kIpv6Destination : kIpv4Destination) + i * 4;
    bytes.append(bytes_of(key));
  }
  std::string options;
  append_value(options, TCA_U32_CLASSID, traffic_class);
  append_attribute(options, TCA_U32_SEL, bytes);
  return options;
}

std::string flow_options(uint32_t count, uint32_t first_class) {
  uint32_t keys = 0;
  for (int key :
       {FLOW_KEY_SRC, FLOW_KEY_DST, FLOW_KEY_PROTO, FLOW_KEY_PROTO_SRC, FLOW_KEY_PROTO_DST}) {
    keys |= 1u << key;
  }
  std::string options;
  append_value(options, TCA_FLOW_KEYS, keys);
  append_value(options, TCA_FLOW_MODE, uint32_t{FLOW_MODE_HASH});
  append_value(options, TCA_FLOW_BASECLASS, first_class);
  append_value(options, TCA_FLOW_DIVISOR, count);
  return options;
}

}  // namespace berth::sys
