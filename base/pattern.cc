#include "base/pattern.h"

#include "base/text.h"

#include <regex.h>
#include <array>

#include <cctype>
#include <utility>

namespace berth {
namespace {

constexpr std::string_view kSpecial = R"(\^$.|?*+()[]{})";

// Named sets, as what stands between brackets.
std::string_view set_of(char letter) {
  switch (letter) {
    case 'd':
      return "0-9";
    case 's':
      return "[:space:]";
    case 'w':
      return "[:alnum:]_";
    default:
      return "";
  }
}

std::string_view control_of(char letter) {
  switch (letter) {
    case 't':
      return "\t";
    case 'n':
      return "\n";
    case 'r':
      return "\r";
    case 'f':
      return "\f";
    case 'v':
      return "\v";
    default:
      return "";
  }
}

// From Go's syntax to that of regcomp(3), REG_EXTENDED.
class Translator {
 public:
  explicit Translator(std::string_view text) : text_(text) {}

  Status run() {
    if (text_.starts_with("(?i)")) {
      ignores_case_ = true;
      at_ = 4;
    }
    while (at_ < text_.size()) {
      char c = text_[at_++];
      bool was_quantifier = std::exchange(is_quantifier_, false);
      if (c == '\\') {
        TRY(escape());
      } else if (c == '[') {
        TRY(bracket());
      } else if (c == '(') {
        TRY(group());
      } else if (c == '?' && was_quantifier) {
        // Lazy or greedy: whether there is a match is the same.
      } else {
        is_quantifier_ = c == '*' || c == '+' || c == '?' || c == '}';
        out_ += c;
      }
    }
    return {};
  }

  const std::string& out() const { return out_; }
  bool ignores_case() const { return ignores_case_; }

 private:
  tl::unexpected<Error> unsupported(std::string_view what) const {
    return fail(Errc::kUnsupported, "pattern '{}': '{}' is not supported", printable(text_, 200),
                printable(what, 20));
  }
  tl::unexpected<Error> malformed(const char* why) const {
    return fail(Errc::kInvalid, "pattern '{}': {}", printable(text_, 200), why);
  }

  void literal(char c) {
    if (kSpecial.find(c) != std::string_view::npos) out_ += '\\';
    out_ += c;
  }

  Status escape() {
    if (at_ == text_.size()) return malformed("a backslash at its end");
    char c = text_[at_++];
    char lower = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (std::string_view set = set_of(lower); !set.empty()) {
      out_ += (c == lower ? "[" : "[^") + std::string(set) + "]";
    } else if (std::string_view control = control_of(c); !control.empty()) {
      out_ += control;
    } else if (c == 'x') {
      literal(TRY(hexadecimal()));
    } else if (c == 'b' || c == 'B') {
      out_ += {'\\', c};
    } else if (c == 'A') {
      out_ += '^';
    } else if (c == 'z') {
      out_ += '$';
    } else if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
      return unsupported({text_.data() + at_ - 2, 2});
    } else {
      literal(c);
    }
    return {};
  }

  Result<char> hexadecimal() {
    unsigned value = 0;
    for (int i = 0; i < 2; ++i, ++at_) {
      if (at_ == text_.size() || std::isxdigit(static_cast<unsigned char>(text_[at_])) == 0) {
        return malformed("\\x needs two hexadecimal digits");
      }
      unsigned char digit = static_cast<unsigned char>(std::tolower(text_[at_]));
      value = value * 16 + (std::isdigit(digit) != 0 ? digit - '0' : digit - 'a' + 10U);
    }
    if (value == 0) return malformed("\\x00 matches nothing that is text");
    return static_cast<char>(value);
  }

  Status group() {
    out_ += '(';
    if (at_ == text_.size() || text_[at_] != '?') return {};
    if (text_.substr(at_).starts_with("?:")) {
      at_ += 2;
      return {};
    }
    size_t end = text_.find('>', at_);
    bool named = text_.substr(at_).starts_with("?P<") || text_.substr(at_).starts_with("?<");
    if (!named || end == std::string_view::npos) {
      return unsupported("(" + std::string(text_.substr(at_, 2)));
    }
    at_ = end + 1;
    return {};
  }

  // Within brackets a backslash means itself to POSIX, and "]", "^" and "-" have their places.
  Status bracket() {
    bool negated = at_ < text_.size() && text_[at_] == '^';
    if (negated) ++at_;
    std::string items;
    bool has_close = false;
    bool has_caret = false;
    bool has_dash = false;
    for (bool is_first = true;; is_first = false) {
      if (at_ == text_.size()) return malformed("a bracket is not closed");
      char c = text_[at_++];
      if (c == ']' && !is_first) break;
      bool is_class = c == '[' && text_.substr(at_).starts_with(":");
      if (is_class) {
        size_t end = text_.find(":]", at_);
        if (end == std::string_view::npos) return malformed("a bracket is not closed");
        items += "[" + std::string(text_.substr(at_, end + 2 - at_));
        at_ = end + 2;
        continue;
      }
      if (c == '\\') {
        if (at_ == text_.size()) return malformed("a backslash at its end");
        char escaped = text_[at_++];
        if (std::string_view set = set_of(escaped); !set.empty()) {
          items += set;
          continue;
        }
        if (std::string_view control = control_of(escaped); !control.empty()) {
          items += control;
          continue;
        }
        if (escaped == 'x') {
          escaped = TRY(hexadecimal());
        } else if (std::isalnum(static_cast<unsigned char>(escaped)) != 0) {
          return unsupported({text_.data() + at_ - 2, 2});
        }
        has_close |= escaped == ']';
        has_caret |= escaped == '^';
        has_dash |= escaped == '-';
        if (escaped != ']' && escaped != '^' && escaped != '-') items += escaped;
        continue;
      }
      // One that stands between two characters makes a range; elsewhere it is itself.
      bool makes_range = c == '-' && !items.empty() && at_ < text_.size() && text_[at_] != ']';
      if (c == ']') {
        has_close = true;
      } else if (c == '^') {
        has_caret = true;
      } else if (c == '-' && !makes_range) {
        has_dash = true;
      } else {
        items += c;
      }
    }
    out_ += negated ? "[^" : "[";
    if (has_close) out_ += ']';
    if (items.empty() && has_caret && !has_close && !negated && !has_dash) {
      out_.pop_back();
      out_ += "\\^";  // a bracket cannot hold it alone
      return {};
    }
    if (items.empty() && has_caret && !has_close && !negated) {
      out_ += "-^]";
      return {};
    }
    out_ += items;
    if (has_caret) out_ += '^';
    if (has_dash) out_ += '-';
    out_ += ']';
    return {};
  }

  std::string_view text_;
  size_t at_ = 0;
  std::string out_;
  bool ignores_case_ = false;
  bool is_quantifier_ = false;
};

}  // namespace

struct Pattern::Compiled {
  Compiled() = default;
  Compiled(const Compiled&) = delete;
  Compiled& operator=(const Compiled&) = delete;
  ~Compiled() {
    if (is_compiled) ::regfree(&regex);
  }
  regex_t regex{};
  bool is_compiled = false;
};

Pattern::Pattern(std::unique_ptr<Compiled> compiled) : compiled_(std::move(compiled)) {}
Pattern::Pattern(Pattern&&) noexcept = default;
Pattern& Pattern::operator=(Pattern&&) noexcept = default;
Pattern::~Pattern() = default;

Result<Pattern> Pattern::parse(std::string_view text) {
  Translator translator(text);
  TRY(translator.run());
  auto compiled = std::make_unique<Compiled>();
  int flags = REG_EXTENDED | REG_NOSUB | (translator.ignores_case() ? REG_ICASE : 0);
  int code = ::regcomp(&compiled->regex, translator.out().c_str(), flags);
  if (code != 0) {
    std::array<char, 200> why{};
    (void)::regerror(code, &compiled->regex, why.data(), why.size());
    return fail(Errc::kInvalid, "pattern '{}': {}", printable(text, 200), why.data());
  }
  compiled->is_compiled = true;
  return Pattern(std::move(compiled));
}

bool Pattern::matches(const std::string& text) const {
  return ::regexec(&compiled_->regex, text.c_str(), 0, nullptr, 0) == 0;
}

}  // namespace berth
