#include "api/cbor.h"

#include "aws/base64.h"
#include "base/json_tree.h"
#include "base/text.h"

#include <nlohmann/json.hpp>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace berth::api {
namespace {

// Of names, unlike nlohmann::ordered_json, which looks for each among all others.
using CborJson = nlohmann::json;

// RFC 8949, 3.1 and 3.3.
enum CborMajor : uint8_t {
  kCborUnsigned = 0,
  kCborNegative = 1,
  kCborBytes = 2,
  kCborText = 3,
  kCborArray = 4,
  kCborMap = 5,
  kCborTag = 6,
  kCborSimple = 7,
};
constexpr uint8_t kCborInfoBits = 5;
constexpr uint8_t kCborInfoMask = 0x1f;
constexpr uint8_t kCborOneByte = 24;  // of an argument; 25, 26 and 27: two, four and eight
constexpr uint8_t kCborHalf = 25;
constexpr uint8_t kCborSingle = 26;
constexpr uint8_t kCborDouble = 27;
constexpr uint8_t kCborIndefinite = 31;
constexpr uint8_t kCborFalse = 20;
constexpr uint8_t kCborTrue = 21;
constexpr uint8_t kCborNull = 22;
constexpr uint8_t kCborUndefined = 23;
constexpr uint8_t kCborBreak = 0xff;
constexpr uint64_t kCborTimeTag = 1;
constexpr size_t kCborNameShownMax = 100;

double cbor_half(uint16_t bits) {
  int exponent = (bits >> 10) & 0x1f;
  double mantissa = bits & 0x3ff;
  double value = exponent == 0    ? std::ldexp(mantissa, -24)
                 : exponent == 31 ? (mantissa == 0 ? std::numeric_limits<double>::infinity()
                                                   : std::numeric_limits<double>::quiet_NaN())
                                  : std::ldexp(mantissa + 1024, exponent - 25);
  return (bits & 0x8000) != 0 ? -value : value;
}

// Reads one data item after the other from the front of what is left.
class CborReader {
 public:
  CborReader(std::string_view bytes, size_t depth_max) : left_(bytes), depth_max_(depth_max) {}

  bool at_end() const { return left_.empty(); }

  Result<CborJson> item(size_t depth) {
    if (depth > depth_max_) return fail(Errc::kInvalid, "nested deeper than {}", depth_max_);
    Head head = TRY(read_head());
    switch (head.major) {
      case kCborUnsigned:
        return CborJson(head.argument);
      case kCborNegative:
        return negative(head.argument);
      case kCborBytes:
        return CborJson(aws::encode_base64(TRY(string(head))));
      case kCborText:
        return CborJson(TRY(text(head)));
      case kCborArray:
        return array(head, depth);
      case kCborMap:
        return map(head, depth);
      case kCborTag:
        return item(depth + 1);
      default:
        return simple(head);
    }
  }

 private:
  struct Head {
    uint8_t major = 0;
    uint8_t info = 0;
    uint64_t argument = 0;
  };

  static tl::unexpected<Error> malformed() { return fail(Errc::kInvalid, "malformed"); }

  Result<std::string_view> take(uint64_t count) {
    if (count > left_.size()) return fail(Errc::kInvalid, "cut off");
    std::string_view taken = left_.substr(0, static_cast<size_t>(count));
    left_.remove_prefix(taken.size());
    return taken;
  }

  // Strings and containers, of which a break tells the end.
  static bool may_be_indefinite(uint8_t major) { return major >= kCborBytes && major <= kCborMap; }

  Result<Head> read_head() {
    auto first = static_cast<uint8_t>(TRY(take(1))[0]);
    Head head{.major = static_cast<uint8_t>(first >> kCborInfoBits),
              .info = static_cast<uint8_t>(first & kCborInfoMask)};
    if (head.info < kCborOneByte) {
      head.argument = head.info;
    } else if (head.info <= kCborDouble) {
      for (char byte : TRY(take(uint64_t{1} << (head.info - kCborOneByte)))) {
        head.argument = head.argument << 8 | static_cast<uint8_t>(byte);
      }
    } else if (head.info != kCborIndefinite || !may_be_indefinite(head.major)) {
      return malformed();
    }
    return head;
  }

  // Whether the container that `head` began is over, of which there were `seen` items.
  Result<bool> is_over(const Head& head, uint64_t seen) {
    if (head.info != kCborIndefinite) return seen == head.argument;
    if (left_.empty()) return fail(Errc::kInvalid, "cut off");
    if (static_cast<uint8_t>(left_[0]) != kCborBreak) return false;
    left_.remove_prefix(1);
    return true;
  }

  static Result<CborJson> negative(uint64_t argument) {
    if (argument > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
      return CborJson(-1.0 - static_cast<double>(argument));
    }
    return CborJson(-1 - static_cast<int64_t>(argument));
  }

  Result<std::string> string(const Head& head) {
    if (head.info != kCborIndefinite) return std::string(TRY(take(head.argument)));
    std::string whole;
    while (!TRY(is_over(head, 0))) {
      Head piece = TRY(read_head());
      if (piece.major != head.major || piece.info == kCborIndefinite) return malformed();
      whole += TRY(take(piece.argument));
    }
    return whole;
  }

  Result<std::string> text(const Head& head) {
    std::string text = TRY(string(head));
    if (!json::is_utf8(text)) return fail(Errc::kInvalid, "a text is not UTF-8");
    return text;
  }

  Result<CborJson> array(const Head& head, size_t depth) {
    CborJson list = CborJson::array();
    while (!TRY(is_over(head, list.size()))) list.push_back(TRY(item(depth + 1)));
    return list;
  }

  Result<CborJson> map(const Head& head, size_t depth) {
    CborJson object = CborJson::object();
    while (!TRY(is_over(head, object.size()))) {
      Head name_head = TRY(read_head());
      if (name_head.major != kCborText) return fail(Errc::kInvalid, "a name is no text");
      std::string name = TRY(text(name_head));
      bool is_new = object.emplace(name, TRY(item(depth + 1))).second;
      if (!is_new)
        return fail(Errc::kInvalid, "{} is there twice", printable(name, kCborNameShownMax));
    }
    return object;
  }

  static Result<CborJson> simple(const Head& head) {
    switch (head.info) {
      case kCborFalse:
        return CborJson(false);
      case kCborTrue:
        return CborJson(true);
      case kCborNull:
      case kCborUndefined:
        return CborJson(nullptr);
      case kCborHalf:
        return real(cbor_half(static_cast<uint16_t>(head.argument)));
      case kCborSingle:
        return real(double{std::bit_cast<float>(static_cast<uint32_t>(head.argument))});
      case kCborDouble:
        return real(std::bit_cast<double>(head.argument));
      default:
        return malformed();
    }
  }

  static Result<CborJson> real(double value) {
    if (std::isfinite(value)) return CborJson(value);
    return fail(Errc::kInvalid, "a number is infinite, or none");
  }

  std::string_view left_;
  size_t depth_max_;
};

// ---- writing ----

void append_cbor_bytes(std::string& out, uint64_t value, int bytes) {
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) {
    out += static_cast<char>(value >> shift & 0xff);
  }
}

void append_cbor_head(std::string& out, CborMajor major, uint64_t argument) {
  auto first = [&](uint8_t info) { out += static_cast<char>(major << kCborInfoBits | info); };
  if (argument < kCborOneByte) return first(static_cast<uint8_t>(argument));
  constexpr std::pair<uint64_t, int> kWidths[] = {{UINT8_MAX, 1}, {UINT16_MAX, 2}, {UINT32_MAX, 4}};
  uint8_t info = kCborOneByte;
  for (auto [max, bytes] : kWidths) {
    if (argument <= max) {
      first(info);
      return append_cbor_bytes(out, argument, bytes);
    }
    ++info;
  }
  first(info);
  append_cbor_bytes(out, argument, 8);
}

void append_cbor(std::string& out, const nlohmann::ordered_json& json, std::string_view times,
                 bool is_time) {
  if (is_time && json.is_number()) append_cbor_head(out, kCborTag, kCborTimeTag);
  switch (json.type()) {
    case nlohmann::ordered_json::value_t::object:
      append_cbor_head(out, kCborMap, json.size());
      for (const auto& [name, member] : json.items()) {
        append_cbor_head(out, kCborText, name.size());
        out += name;
        append_cbor(out, member, times, times.find(" " + name + " ") != std::string_view::npos);
      }
      return;
    case nlohmann::ordered_json::value_t::array:
      append_cbor_head(out, kCborArray, json.size());
      for (const auto& element : json) append_cbor(out, element, times, is_time);
      return;
    case nlohmann::ordered_json::value_t::string: {
      const auto& text = json.get_ref<const std::string&>();
      append_cbor_head(out, kCborText, text.size());
      out += text;
      return;
    }
    case nlohmann::ordered_json::value_t::boolean:
      return append_cbor_head(out, kCborSimple, json.get<bool>() ? kCborTrue : kCborFalse);
    case nlohmann::ordered_json::value_t::number_unsigned:
      return append_cbor_head(out, kCborUnsigned, json.get<uint64_t>());
    case nlohmann::ordered_json::value_t::number_integer: {
      auto number = json.get<int64_t>();
      if (number >= 0) return append_cbor_head(out, kCborUnsigned, static_cast<uint64_t>(number));
      return append_cbor_head(out, kCborNegative, static_cast<uint64_t>(-1 - number));
    }
    case nlohmann::ordered_json::value_t::number_float:
      out += static_cast<char>(kCborSimple << kCborInfoBits | kCborDouble);
      return append_cbor_bytes(out, std::bit_cast<uint64_t>(json.get<double>()), 8);
    default:
      return append_cbor_head(out, kCborSimple, kCborNull);
  }
}

}  // namespace

Result<std::string> json_of_cbor(std::string_view bytes, size_t depth_max) {
  if (bytes.empty()) return std::string("{}");
  CborReader reader(bytes, depth_max);
  CborJson json = TRY(reader.item(1));
  if (!reader.at_end()) return fail(Errc::kInvalid, "more than one item");
  return json.dump();
}

std::string cbor_of_json(const nlohmann::ordered_json& json, std::string_view times) {
  std::string out;
  append_cbor(out, json, times, false);
  return out;
}

}  // namespace berth::api
