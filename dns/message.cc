#include "dns/message.h"

#include <algorithm>
#include <map>

namespace berth::dns {
namespace {

constexpr uint8_t kPointer = 0xc0;
constexpr size_t kPointerReach = 0x3fff;

enum Flag : uint16_t {
  kResponseFlag = 0x8000,
  kAuthoritativeFlag = 0x0400,
  kTruncatedFlag = 0x0200,
  kRecursionDesiredFlag = 0x0100,
  kRecursionAvailableFlag = 0x0080,
  kAuthenticFlag = 0x0020,
  kCheckingDisabledFlag = 0x0010,
};

Header header_of(uint16_t id, uint16_t flags) {
  Header header;
  header.id = id;
  header.is_response = (flags & kResponseFlag) != 0;
  header.opcode = static_cast<uint8_t>(flags >> 11 & 0xf);
  header.authoritative = (flags & kAuthoritativeFlag) != 0;
  header.truncated = (flags & kTruncatedFlag) != 0;
  header.recursion_desired = (flags & kRecursionDesiredFlag) != 0;
  header.recursion_available = (flags & kRecursionAvailableFlag) != 0;
  header.authentic_data = (flags & kAuthenticFlag) != 0;
  header.checking_disabled = (flags & kCheckingDisabledFlag) != 0;
  header.rcode = static_cast<Rcode>(flags & 0xf);
  return header;
}

uint16_t flags_of(const Header& header) {
  int flags = (header.opcode & 0xf) << 11 | (header.rcode & 0xf);
  if (header.is_response) flags |= kResponseFlag;
  if (header.authoritative) flags |= kAuthoritativeFlag;
  if (header.truncated) flags |= kTruncatedFlag;
  if (header.recursion_desired) flags |= kRecursionDesiredFlag;
  if (header.recursion_available) flags |= kRecursionAvailableFlag;
  if (header.authentic_data) flags |= kAuthenticFlag;
  if (header.checking_disabled) flags |= kCheckingDisabledFlag;
  return static_cast<uint16_t>(flags);
}

// From left to right over the bytes of a message.
class MessageReader {
 public:
  explicit MessageReader(std::string_view bytes) : bytes_(bytes) {}

  size_t at() const { return at_; }

  Result<uint8_t> u8() {
    if (at_ >= bytes_.size()) return short_of(1);
    return static_cast<uint8_t>(bytes_[at_++]);
  }
  Result<uint16_t> u16() {
    if (bytes_.size() - at_ < 2) return short_of(2);
    int high = TRY(u8());
    int low = TRY(u8());
    return static_cast<uint16_t>(high << 8 | low);
  }
  Result<uint32_t> u32() {
    uint32_t high = TRY(u16());
    uint32_t low = TRY(u16());
    return high << 16 | low;
  }
  Result<std::string> raw(size_t size) {
    if (bytes_.size() - at_ < size) return short_of(size);
    at_ += size;
    return std::string(bytes_.substr(at_ - size, size));
  }

  // Pointers lead backwards only: each to before the place where the name, or what the last pointer
  // led to, began.
  Result<Name> name() {
    std::string labels;
    size_t from = at_;
    size_t limit = at_;
    std::optional<size_t> end;
    while (true) {
      if (from >= bytes_.size()) return fail(Errc::kInvalid, "message: a name without an end");
      auto size = static_cast<uint8_t>(bytes_[from]);
      if (size == 0) break;
      if (size <= kLabelMax) {
        if (bytes_.size() - from <= size) {
          return fail(Errc::kInvalid, "message: a label at {} beyond the end", from);
        }
        labels += bytes_.substr(from, 1 + size);
        if (labels.size() >= kNameMax) {
          return fail(Errc::kInvalid, "message: a name of more than {} octets", kNameMax);
        }
        from += 1 + size;
        continue;
      }
      size_t to = TRY(pointer_at(from, limit));
      if (!end) end = from + 2;
      limit = to;
      from = to;
    }
    at_ = end.value_or(from + 1);
    return Name::from_labels(std::move(labels));
  }

 private:
  Result<size_t> pointer_at(size_t from, size_t limit) const {
    auto high = static_cast<uint8_t>(bytes_[from]);
    if ((high & kPointer) != kPointer || from + 1 >= bytes_.size()) {
      return fail(Errc::kInvalid, "message: no label at {}", from);
    }
    size_t to = size_t{high & 0x3fu} << 8 | static_cast<uint8_t>(bytes_[from + 1]);
    if (to >= limit) {
      return fail(Errc::kInvalid, "message: a name at {} that leads to {}, not backwards", from,
                  to);
    }
    return to;
  }

  tl::unexpected<Error> short_of(size_t size) const {
    return fail(Errc::kInvalid, "message: ends at {}, where {} octets more should be",
                bytes_.size(), size - (bytes_.size() - at_));
  }

  std::string_view bytes_;
  size_t at_ = 0;
};

// How the data of a type is made: `before` octets, names, octets up to the end.
struct NamesIn {
  Type type;
  size_t before;
  size_t names;
};
constexpr NamesIn kNamesIn[] = {{kNs, 0, 1},  {kCname, 0, 1}, {kSoa, 0, 2},
                                {kPtr, 0, 1}, {kMx, 2, 1},    {kSrv, 6, 1}};

Result<std::string> read_data(MessageReader& reader, Type type, size_t size) {
  const auto* found = std::ranges::find(kNamesIn, type, &NamesIn::type);
  if (found == std::end(kNamesIn)) return reader.raw(size);
  size_t end = reader.at() + size;
  std::string data = TRY(reader.raw(found->before));
  for (size_t i = 0; i < found->names; ++i) data += TRY(reader.name()).wire();
  if (reader.at() > end) {
    return fail(Errc::kInvalid, "message: a name in the data of a record beyond its end");
  }
  data += TRY(reader.raw(end - reader.at()));
  if (data.size() > kMessageMax) return fail(Errc::kInvalid, "message: a record too long");
  return data;
}

Result<Record> read_record(MessageReader& reader) {
  Record record;
  record.name = TRY(reader.name());
  record.type = TRY(reader.u16());
  record.record_class = TRY(reader.u16());
  record.ttl = TRY(reader.u32());
  size_t size = TRY(reader.u16());
  record.data = TRY(read_data(reader, record.type, size));
  return record;
}

Result<std::vector<Record>> read_records(MessageReader& reader, size_t count) {
  if (count > kRecordsMax) {
    return fail(Errc::kInvalid, "message: more than {} records", kRecordsMax);
  }
  std::vector<Record> records;
  for (size_t i = 0; i < count; ++i) records.push_back(TRY(read_record(reader)));
  return records;
}

Edns edns_of(Record&& record) {
  Edns edns;
  edns.udp_size = record.record_class;
  edns.extended_rcode = static_cast<uint8_t>(record.ttl >> 24);
  edns.version = static_cast<uint8_t>(record.ttl >> 16 & 0xff);
  edns.flags = static_cast<uint16_t>(record.ttl & 0xffff);
  edns.options = std::move(record.data);
  return edns;
}

Record record_of(const Edns& edns) {
  Record record;
  record.type = kOpt;
  record.record_class = edns.udp_size;
  record.ttl = uint32_t{edns.extended_rcode} << 24 | uint32_t{edns.version} << 16 | edns.flags;
  record.data = edns.options;
  return record;
}

// More than one, or one that is not the root's, is against RFC 6891 6.1.1.
Status take_edns(Message& message) {
  auto first = std::ranges::find(message.additionals, kOpt, &Record::type);
  if (first == message.additionals.end()) return {};
  if (!first->name.is_root()) return fail(Errc::kInvalid, "message: EDNS with a name");
  message.edns = edns_of(std::move(*first));
  message.additionals.erase(first);
  bool more = std::ranges::any_of(message.additionals,
                                  [](const Record& record) { return record.type == kOpt; });
  if (more) return fail(Errc::kInvalid, "message: EDNS twice");
  return {};
}

struct Counts {
  size_t questions = 0;
  size_t answers = 0;
  size_t authorities = 0;
  size_t additionals = 0;
};

Result<Counts> read_beginning(MessageReader& reader, Message& message) {
  uint16_t id = TRY(reader.u16());
  message.header = header_of(id, TRY(reader.u16()));
  Counts counts;
  counts.questions = TRY(reader.u16());
  counts.answers = TRY(reader.u16());
  counts.authorities = TRY(reader.u16());
  counts.additionals = TRY(reader.u16());
  if (counts.questions > 1) return fail(Errc::kInvalid, "message: {} questions", counts.questions);
  if (counts.questions == 0) return counts;
  Question question;
  question.name = TRY(reader.name());
  question.type = TRY(reader.u16());
  question.record_class = TRY(reader.u16());
  message.questions.push_back(std::move(question));
  return counts;
}

class MessageWriter {
 public:
  void u16(size_t value) {
    bytes_ += static_cast<char>(value >> 8 & 0xff);
    bytes_ += static_cast<char>(value & 0xff);
  }
  void u32(uint32_t value) {
    u16(value >> 16);
    u16(value & 0xffff);
  }
  void header(const Message& message, size_t additionals) {
    u16(message.header.id);
    u16(flags_of(message.header));
    u16(message.questions.size());
    u16(message.answers.size());
    u16(message.authorities.size());
    u16(additionals);
  }
  void question(const Question& question) {
    name(question.name);
    u16(question.type);
    u16(question.record_class);
  }
  void record(const Record& record) {
    name(record.name);
    u16(record.type);
    u16(record.record_class);
    u32(record.ttl);
    u16(record.data.size());
    bytes_ += record.data;
  }
  std::string take() { return std::move(bytes_); }

 private:
  // What stands in the message already is pointed to, case and all.
  void name(const Name& name) {
    for (Name rest = name; !rest.is_root(); rest = rest.parent()) {
      auto known = known_.find(rest.wire());
      if (known != known_.end()) return u16(size_t{kPointer} << 8 | known->second);
      if (bytes_.size() <= kPointerReach) known_.emplace(rest.wire(), bytes_.size());
      bytes_ += rest.wire().substr(0, 1 + static_cast<unsigned char>(rest.wire()[0]));
    }
    bytes_ += '\0';
  }

  std::string bytes_;
  std::map<std::string, size_t> known_;  // a name -> where it begins
};

std::string render_whole(const Message& message) {
  MessageWriter writer;
  writer.header(message, message.additionals.size() + (message.edns ? 1 : 0));
  for (const Question& question : message.questions) writer.question(question);
  for (const auto* section : {&message.answers, &message.authorities, &message.additionals}) {
    for (const Record& record : *section) writer.record(record);
  }
  if (message.edns) writer.record(record_of(*message.edns));
  return writer.take();
}

}  // namespace

bool same_question(const Question& one, const Question& other) {
  return one.type == other.type && one.record_class == other.record_class &&
         same_name(one.name, other.name);
}

Result<Header> parse_header(std::string_view bytes) {
  if (bytes.size() < kHeaderSize) {
    return fail(Errc::kInvalid, "message: {} octets are no header", bytes.size());
  }
  MessageReader reader(bytes);
  uint16_t id = TRY(reader.u16());
  return header_of(id, TRY(reader.u16()));
}

Result<Message> parse_beginning(std::string_view bytes) {
  MessageReader reader(bytes);
  Message message;
  TRY(read_beginning(reader, message));
  return message;
}

Result<Message> parse_message(std::string_view bytes) {
  MessageReader reader(bytes);
  Message message;
  Counts counts = TRY(read_beginning(reader, message));
  message.answers = TRY(read_records(reader, counts.answers));
  message.authorities = TRY(read_records(reader, counts.authorities));
  message.additionals = TRY(read_records(reader, counts.additionals));
  TRY(take_edns(message));
  return message;
}

std::string render_message(const Message& message, size_t max) {
  std::string whole = render_whole(message);
  if (whole.size() <= max) return whole;
  Message beginning;
  beginning.header = message.header;
  beginning.header.truncated = true;
  beginning.questions = message.questions;
  beginning.edns = message.edns;
  return render_whole(beginning);
}

size_t udp_size_of(const Message& query) {
  if (!query.edns) return kPlainUdpMax;
  return std::max<size_t>(query.edns->udp_size, kPlainUdpMax);
}

Message reply_to(const Message& query, Rcode rcode) {
  Message reply;
  reply.header.id = query.header.id;
  reply.header.is_response = true;
  reply.header.opcode = query.header.opcode;
  reply.header.recursion_desired = query.header.recursion_desired;
  reply.header.recursion_available = true;
  reply.header.checking_disabled = query.header.checking_disabled;
  reply.header.rcode = rcode;
  reply.questions = query.questions;
  if (query.edns) reply.edns = Edns{};
  return reply;
}

bool is_answer_to(std::string_view bytes, uint16_t id, const Question& question) {
  auto message = parse_beginning(bytes);
  if (!message || !message->header.is_response || message->header.id != id) return false;
  if (!message->questions.empty()) return same_question(message->questions.front(), question);
  return message->header.rcode != kNoError && message->header.rcode != kNxDomain;
}

std::string fit_into(std::string bytes, size_t max, const Message& query) {
  if (bytes.size() <= max) return bytes;
  auto message = parse_beginning(bytes);
  if (!message) return render_message(reply_to(query, kServFail), max);
  message->header.truncated = true;
  if (query.edns) message->edns = Edns{};
  return render_message(*message, max);
}

uint16_t id_of(std::string_view bytes) {
  return static_cast<uint16_t>(static_cast<uint8_t>(bytes[0]) << 8 |
                               static_cast<uint8_t>(bytes[1]));
}

void set_id(std::string& bytes, uint16_t id) {
  bytes[0] = static_cast<char>(id >> 8);
  bytes[1] = static_cast<char>(id & 0xff);
}

}  // namespace berth::dns
