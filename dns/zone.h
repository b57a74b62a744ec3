// What a zone of ours answers, from the records that a name has. Pure: where records are kept, and
// who may be believed, is decided elsewhere.
//
//   the name has records of the type      them, 8 at most
//   it has others, or there are names     NOERROR without answers, with the SOA ("NODATA"): an
//   below it                              NXDOMAIN for AAAA would make musl give up on A, too
//   there is no such name                 NXDOMAIN, with the SOA
#pragma once

#include "base/ipv4.h"
#include "base/ipv6.h"
#include "base/result.h"
#include "dns/message.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace berth::dns {

// As many as Route 53 gives of a multivalue name. With plain UDP they fit: musl before 1.2.4 asks
// nothing by TCP.
constexpr size_t kAnswersMax = 8;

// The type and data of a record.
struct RecordValue {
  Type type = kA;
  std::string data;  // as in Record
  bool operator==(const RecordValue&) const = default;
};
RecordValue address_value(Ipv4 address);
RecordValue address_value(const Ipv6& address);
RecordValue pointer_value(const Name& to);

// "A 172.29.0.5", "AAAA fd00:be::5", "PTR web.berth.internal": as they are kept. parse(render(v))
// == v for these three types, which are all that there are.
Result<RecordValue> parse_record_value(std::string_view text);
std::string render_record_value(const RecordValue& value);

struct Zone {
  Name origin;
  uint32_t ttl = 0;           // of its records
  uint32_t negative_ttl = 0;  // of what is not there
};

// Whether a name is there.
enum class Presence { kNone, kEmpty, kRecords };

// `values` are those of the name that is asked for, in the order in which they shall be given.
Message answer_from(const Zone& zone, const Message& query, Presence presence,
                    const std::vector<RecordValue>& values);

}  // namespace berth::dns
