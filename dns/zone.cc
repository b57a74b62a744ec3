#include "dns/zone.h"

#include "base/text.h"

#include <algorithm>

namespace berth::dns {
namespace {

constexpr size_t kValueShown = 300;
// Of the SOA, for secondaries that nobody has.
constexpr uint32_t kSerial = 1;
constexpr uint32_t kRefresh = 3600;
constexpr uint32_t kRetry = 600;
constexpr uint32_t kExpire = 86400;

void append_u32(std::string& data, uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) data += static_cast<char>(value >> shift & 0xff);
}

// "ns.<origin>", or the origin itself when that would be too long.
Name below(const Name& origin, std::string_view label) {
  auto name = Name::parse(std::string(label) + "." + origin.to_text());
  return name ? *name : origin;
}

Record soa_of(const Zone& zone) {
  Record soa;
  soa.name = zone.origin;
  soa.type = kSoa;
  soa.ttl = zone.negative_ttl;
  soa.data = below(zone.origin, "ns").wire() + below(zone.origin, "hostmaster").wire();
  for (uint32_t number : {kSerial, kRefresh, kRetry, kExpire, zone.negative_ttl}) {
    append_u32(soa.data, number);
  }
  return soa;
}

Ipv4 address_in(const std::string& data) {
  uint32_t value = 0;
  for (char c : data) value = value << 8 | static_cast<uint8_t>(c);
  return {value};
}

Ipv6 address6_in(const std::string& data) {
  Ipv6 address;
  std::copy_n(data.begin(), std::min(data.size(), address.bytes.size()), address.bytes.begin());
  return address;
}

Result<Name> name_in(const std::string& data) {
  return Name::from_labels(data.substr(0, data.size() - 1));
}

}  // namespace

RecordValue address_value(Ipv4 address) {
  RecordValue value{kA, ""};
  append_u32(value.data, address.value);
  return value;
}

RecordValue address_value(const Ipv6& address) {
  return {kAaaa, std::string(address.bytes.begin(), address.bytes.end())};
}

RecordValue pointer_value(const Name& to) {
  return {kPtr, to.wire()};
}

Result<RecordValue> parse_record_value(std::string_view text) {
  if (text.starts_with("A ")) return address_value(TRY(parse_ipv4(text.substr(2))));
  if (text.starts_with("AAAA ")) return address_value(TRY(parse_ipv6(text.substr(5))));
  if (text.starts_with("PTR ")) return pointer_value(TRY(Name::parse(text.substr(4))));
  return fail(Errc::kInvalid,
              "\"{}\" is no record: \"A ADDRESS\", \"AAAA ADDRESS\" or \"PTR NAME\"",
              printable(text, kValueShown));
}

std::string render_record_value(const RecordValue& value) {
  if (value.type == kA) return "A " + to_string(address_in(value.data));
  if (value.type == kAaaa) return "AAAA " + to_string(address6_in(value.data));
  auto name = name_in(value.data);
  return "PTR " + (name ? name->to_text() : ".");
}

Message answer_from(const Zone& zone, const Message& query, Presence presence,
                    const std::vector<RecordValue>& values) {
  const Question& question = query.questions.front();
  Message reply = reply_to(query, presence == Presence::kNone ? kNxDomain : kNoError);
  reply.header.authoritative = true;
  for (const RecordValue& value : values) {
    bool wanted = question.type == value.type || question.type == kAny;
    if (!wanted || reply.answers.size() == kAnswersMax) continue;
    reply.answers.push_back({question.name, value.type, kIn, zone.ttl, value.data});
  }
  bool at_origin = same_name(question.name, zone.origin);
  if (at_origin && (question.type == kSoa || question.type == kAny)) {
    reply.answers.push_back(soa_of(zone));
  }
  if (reply.answers.empty()) reply.authorities.push_back(soa_of(zone));
  return reply;
}

}  // namespace berth::dns
