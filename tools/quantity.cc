#include "tools/quantity.h"

#include "base/text.h"

#include <limits>
#include <optional>
#include <string_view>

namespace berth::tools {
namespace {

constexpr uint64_t kSecondsMax = uint64_t{100} * 366 * 24 * 3600;

struct Quantity {
  uint64_t number;
  std::string unit;
};

std::optional<Quantity> split_quantity(std::string_view text) {
  size_t digits = text.find_first_not_of("0123456789");
  if (digits == std::string_view::npos) digits = text.size();
  auto number = parse_u64(text.substr(0, digits));
  if (!number) return std::nullopt;
  return Quantity{*number, to_lower(text.substr(digits))};
}

}  // namespace

Result<Duration> parse_age(const std::string& text) {
  auto quantity = split_quantity(text);
  uint64_t seconds = 0;
  if (quantity && quantity->unit == "s") seconds = 1;
  if (quantity && quantity->unit == "m") seconds = 60;
  if (quantity && quantity->unit == "h") seconds = 3600;
  if (quantity && quantity->unit == "d") seconds = uint64_t{24} * 3600;
  if (seconds == 0 || quantity->number > kSecondsMax / seconds) {
    return fail(Errc::kInvalid, "\"{}\" is no age; write 90s, 30m, 12h or 7d", printable(text, 50));
  }
  return Duration(std::chrono::seconds(quantity->number * seconds));
}

Result<uint64_t> parse_size(const std::string& text) {
  auto quantity = split_quantity(text);
  std::optional<unsigned> shift;
  if (quantity) {
    std::string_view unit = quantity->unit;
    if (unit.ends_with("ib")) unit.remove_suffix(2);
    if (unit.empty() && quantity->unit.empty()) shift = 0;
    if (unit == "k") shift = 10;
    if (unit == "m") shift = 20;
    if (unit == "g") shift = 30;
    if (unit == "t") shift = 40;
  }
  if (!shift || quantity->number > std::numeric_limits<uint64_t>::max() >> *shift) {
    return fail(Errc::kInvalid, "\"{}\" is no size; write 1048576, 500M or 2G",
                printable(text, 50));
  }
  return quantity->number << *shift;
}

}  // namespace berth::tools
