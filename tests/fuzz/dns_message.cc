// A message of anybody: what can be read is rendered to what reads the same, cut down it is still a
// message, and a zone can answer every question.
#include "dns/message.h"
#include "dns/zone.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/targets.h"

namespace berth::fuzz {
namespace {

void check_names(const dns::Name& name) {
  CHECK(name.wire().size() <= dns::kNameMax);
  CHECK(name.is_at_or_below(dns::Name()));
  auto plain = name.plain_text();
  if (plain) CHECK(dns::same_name(dns::Name::parse(*plain).value(), name));
  if (auto address = name.reversed_address()) {
    CHECK(dns::same_name(dns::Name::reverse_of(*address), name));
  }
}

}  // namespace

void dns_message(std::string_view text) {
  auto message = dns::parse_message(text);
  auto beginning = dns::parse_beginning(text);
  check_result(beginning);
  if (!check_result(message)) return;
  CHECK(beginning && beginning->questions == message->questions);
  std::string bytes = dns::render_message(*message, SIZE_MAX);
  auto again = dns::parse_message(bytes);
  CHECK(again && *again == *message);
  auto cut = dns::parse_message(dns::render_message(*message, dns::kHeaderSize));
  CHECK(cut && cut->questions == message->questions);
  if (message->questions.empty()) return;
  check_names(message->questions[0].name);
  dns::Zone zone{message->questions[0].name.parent(), 5, 5};
  for (auto presence : {dns::Presence::kNone, dns::Presence::kEmpty, dns::Presence::kRecords}) {
    auto values = {dns::address_value(Ipv4{0x7f000001}), dns::pointer_value(zone.origin)};
    dns::Message reply = dns::answer_from(zone, *message, presence, values);
    auto read = dns::parse_message(dns::render_message(reply, dns::kMessageMax));
    CHECK(read && *read == reply);
  }
}

}  // namespace berth::fuzz
