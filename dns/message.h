// Messages of the domain name system (RFC 1035 4, EDNS of RFC 6891) as values:
// parse_message(render_message(m, enough)) == m, and every name that parse_message() follows a
// pointer for comes from before that pointer, so that it ends.
#pragma once

#include "base/result.h"
#include "dns/name.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace berth::dns {

constexpr size_t kMessageMax = 65535;  // what the length before it in a TCP stream can say
constexpr size_t kHeaderSize = 12;
constexpr size_t kPlainUdpMax = 512;   // what everybody takes by UDP
constexpr uint16_t kOurUdpMax = 1232;  // what we say that we take (dnsflagday.net, 2020)
constexpr size_t kRecordsMax = 4096;   // of one message

// Numbers of the protocol, not a closed set: others pass through.
using Type = uint16_t;
constexpr Type kA = 1;
constexpr Type kNs = 2;
constexpr Type kCname = 5;
constexpr Type kSoa = 6;
constexpr Type kPtr = 12;
constexpr Type kMx = 15;
constexpr Type kTxt = 16;
constexpr Type kAaaa = 28;
constexpr Type kSrv = 33;
constexpr Type kOpt = 41;
constexpr Type kIxfr = 251;
constexpr Type kAxfr = 252;
constexpr Type kAny = 255;

constexpr uint16_t kIn = 1;  // the class of all that we know

constexpr uint8_t kQueryOpcode = 0;

using Rcode = uint8_t;
constexpr Rcode kNoError = 0;
constexpr Rcode kFormErr = 1;
constexpr Rcode kServFail = 2;
constexpr Rcode kNxDomain = 3;
constexpr Rcode kNotImp = 4;
constexpr Rcode kRefused = 5;

struct Header {
  uint16_t id = 0;
  bool is_response = false;
  uint8_t opcode = kQueryOpcode;
  bool authoritative = false;
  bool truncated = false;
  bool recursion_desired = false;
  bool recursion_available = false;
  bool authentic_data = false;
  bool checking_disabled = false;
  Rcode rcode = kNoError;  // the lower four bits
  bool operator==(const Header&) const = default;
};

struct Question {
  Name name;
  Type type = kA;
  uint16_t record_class = kIn;
  bool operator==(const Question&) const = default;
};
// As the one who answers may have written it: in another case.
bool same_question(const Question& one, const Question& other);

struct Record {
  Name name;
  Type type = kA;
  uint16_t record_class = kIn;
  uint32_t ttl = 0;
  std::string data;  // as in a message, names in it written out
  bool operator==(const Record&) const = default;
};

struct Edns {
  uint16_t udp_size = kOurUdpMax;
  uint8_t extended_rcode = 0;  // the upper eight bits
  uint8_t version = 0;
  uint16_t flags = 0;
  std::string options;
  bool operator==(const Edns&) const = default;
};

struct Message {
  Header header;
  std::vector<Question> questions;
  std::vector<Record> answers;
  std::vector<Record> authorities;
  std::vector<Record> additionals;  // but for the one that is `edns`
  std::optional<Edns> edns;
  bool operator==(const Message&) const = default;
};

Result<Header> parse_header(std::string_view bytes);
// kInvalid says what is wrong and where.
Result<Message> parse_message(std::string_view bytes);
// Header and questions alone: for who hands the rest on without looking.
Result<Message> parse_beginning(std::string_view bytes);
// At most `max` bytes: what is longer says so (TC) and has no records.
std::string render_message(const Message& message, size_t max);

// How much an asker takes by UDP.
size_t udp_size_of(const Message& query);
// The beginning of an answer to it: id, question, EDNS.
Message reply_to(const Message& query, Rcode rcode);

// Whether bytes are the answer to what was asked under this id; of a refusal the question may be
// missing.
bool is_answer_to(std::string_view bytes, uint16_t id, const Question& question);
// The message cut down to its beginning, if it is longer than `max`.
std::string fit_into(std::string bytes, size_t max, const Message& query);

// Of a message as bytes, which are kHeaderSize at least.
uint16_t id_of(std::string_view bytes);
void set_id(std::string& bytes, uint16_t id);

}  // namespace berth::dns
