// Secret: a text that never prints itself. Formatting it with fmt gives "***"; only reveal() gives
// the text, at the one place that must send it.
#pragma once

#include <fmt/format.h>

#include <string>
#include <utility>

namespace berth {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) {}
  const std::string& reveal() const { return text_; }
  bool empty() const { return text_.empty(); }

 private:
  std::string text_;
};

}  // namespace berth

template <>
struct fmt::formatter<berth::Secret> {
  constexpr auto parse(format_parse_context& context) { return context.begin(); }
  auto format(const berth::Secret&, format_context& context) const {
    return fmt::format_to(context.out(), "***");
  }
};
