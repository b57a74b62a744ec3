#include "image/challenge.h"

#include "base/text.h"

#include <algorithm>
#include <cctype>
#include <utility>

namespace berth::image {
namespace {

bool is_token(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
         std::string_view("!#$%&'*+-.^_`|~/").find(c) != std::string_view::npos;
}

class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}
  void skip_space() {
    while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == '\t')) rest_.remove_prefix(1);
  }
  bool take(char c) {
    skip_space();
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  std::string token() {
    skip_space();
    size_t length = 0;
    while (length < rest_.size() && is_token(rest_[length])) ++length;
    std::string text(rest_.substr(0, length));
    rest_.remove_prefix(length);
    return text;
  }
  // A token or a quoted string with backslash escapes.
  std::string value() {
    if (!take('"')) return token();
    std::string text;
    while (!rest_.empty() && rest_[0] != '"') {
      if (rest_[0] == '\\' && rest_.size() > 1) rest_.remove_prefix(1);
      text += rest_[0];
      rest_.remove_prefix(1);
    }
    (void)take('"');  // a missing end quote is forgiven
    return text;
  }

 private:
  std::string_view rest_;
};

}  // namespace

std::vector<Challenge> parse_challenges(std::string_view header) {
  std::vector<Challenge> challenges;
  Scanner scanner(header);
  while (true) {
    while (scanner.take(',')) {
    }
    std::string word = scanner.token();
    if (word.empty()) return challenges;
    if (scanner.take('=')) {  // NAME=VALUE belongs to the scheme before it
      if (challenges.empty()) return challenges;
      challenges.back().parameters[to_lower(word)] = scanner.value();
    } else {
      challenges.push_back({to_lower(word), {}});
    }
  }
}

std::string percent_encode(std::string_view text) {
  std::string encoded;
  for (char c : text) {
    bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 ||
                 std::string_view("-._~").find(c) != std::string_view::npos;
    encoded += plain ? std::string(1, c)
                     : fmt::format("%{:02X}", static_cast<unsigned>(static_cast<unsigned char>(c)));
  }
  return encoded;
}

}  // namespace berth::image
