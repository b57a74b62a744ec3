#include "scheduler/log_datetime.h"

#include "base/text.h"

#include <cctype>

namespace berth::scheduler {
namespace {

struct Directive {
  char letter;
  const char* pattern;
};

constexpr Directive kDirectives[] = {
    {'a', "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"},
    {'A', "(?:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)"},
    {'b', "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"},
    {'B',
     "(?:January|February|March|April|May|June|July|August|September|October|November|"
     "December)"},
    {'d', "(?:0[1-9]|[12][0-9]|3[01])"},
    {'f', "[0-9]{6}"},
    {'H', "(?:[01][0-9]|2[0-3])"},
    {'I', "(?:0[0-9]|1[0-2])"},
    {'j', "(?:[0-2][0-9][0-9]|3[0-5][0-9]|36[0-6])"},
    {'L', "\\.[0-9]{3}"},
    {'m', "(?:0[1-9]|1[0-2])"},
    {'M', "[0-5][0-9]"},
    {'p', "[AP]M"},
    {'S', "(?:[0-5][0-9]|60)"},
    {'w', "[0-6]"},
    {'y', "[0-9]{2}"},
    {'Y', "[0-9]{4}"},
    {'z', "[+-][0-9]{4}"},
    {'Z', "[A-Z]{1,4}T?"},
};

Result<std::string> pattern_of_directive(char letter) {
  for (const Directive& directive : kDirectives) {
    if (directive.letter == letter) return std::string(directive.pattern);
  }
  return fail(Errc::kInvalid,
              "'%{}' is not one of [%a, %A, %b, %B, %d, %f, %H, %I, %j, %L, %m, "
              "%M, %p, %S, %w, %y, %Y, %z, %Z]",
              printable({&letter, 1}, 4));
}

}  // namespace

Result<std::string> pattern_of_datetime(std::string_view format) {
  std::string pattern;
  bool has_directive = false;
  for (size_t i = 0; i < format.size(); ++i) {
    char c = format[i];
    if (c == '%' && i + 1 < format.size() && format[i + 1] != '%') {
      pattern += TRY(pattern_of_directive(format[++i]));
      has_directive = true;
      continue;
    }
    if (c == '%') ++i;  // of "%%", or the last one
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != ' ') pattern += '\\';
    pattern += c;
  }
  if (!has_directive) return fail(Errc::kInvalid, "a format without a directive, such as %Y");
  return pattern;
}

}  // namespace berth::scheduler
