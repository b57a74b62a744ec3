// Pattern: a regular expression in the syntax that Docker's log options have (Go's RE2), matched by
// the C library, whose matching takes time in proportion to the text: what a container prints must
// not be able to keep us busy.
#pragma once

#include "base/result.h"

#include <memory>
#include <string>
#include <string_view>

namespace berth {

class Pattern {
 public:
  // kInvalid for what is malformed, kUnsupported for what POSIX expressions cannot say.
  static Result<Pattern> parse(std::string_view text);
  Pattern(Pattern&&) noexcept;
  Pattern& operator=(Pattern&&) noexcept;
  ~Pattern();

  // Whether it matches anywhere in the text.
  bool matches(const std::string& text) const;

 private:
  struct Compiled;
  explicit Pattern(std::unique_ptr<Compiled> compiled);
  std::unique_ptr<Compiled> compiled_;
};

}  // namespace berth
