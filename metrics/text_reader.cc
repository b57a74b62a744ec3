#include "metrics/text_reader.h"

#include "base/text.h"

#include <algorithm>
#include <string>

namespace berth::metrics {
namespace {

constexpr std::string_view kTextSpaces = " \t\r\n";
constexpr size_t kTextShownMax = 40;

}  // namespace

void TextReader::skip_spaces() {
  at_ = std::min(text_.find_first_not_of(kTextSpaces, at_), text_.size());
}

bool TextReader::take(char sign) {
  skip_spaces();
  bool is_there = !is_at_end() && next() == sign;
  if (is_there) skip(1);
  return is_there;
}

std::string_view TextReader::peek(std::string_view stops) {
  skip_spaces();
  return rest().substr(0, rest().find_first_of(stops));
}

bool TextReader::take_word(std::string_view word, std::string_view stops) {
  if (peek(stops) != word) return false;
  skip(word.size());
  return true;
}

tl::unexpected<Error> TextReader::wrong(const char* wanted) const {
  std::string found =
      is_at_end() ? std::string("the end") : "'" + printable(rest(), kTextShownMax) + "'";
  return fail(Errc::kInvalid, "{}expected {} at character {}{}, not {}", told_.before, wanted,
              at_ + 1, told_.behind, found);
}

}  // namespace berth::metrics
