// TextReader: a text of a small language (rules of alarms, searches, expressions), character by
// character: what those who read them by recursive descent have in common. Pure.
#pragma once

#include "base/result.h"

#include <string_view>

namespace berth::metrics {

class TextReader {
 public:
  // What an error says before "expected X at character N", and behind it.
  struct Told {
    const char* before = "";
    const char* behind = "";
  };
  // The text must outlive it.
  TextReader(std::string_view text, const Told& told) : text_(text), told_(told) {}

  // What has not been read.
  std::string_view rest() const { return text_.substr(at_); }
  bool is_at_end() const { return at_ >= text_.size(); }
  // '\0' at the end.
  char next() const { return is_at_end() ? '\0' : text_[at_]; }
  // Of no more characters than there are.
  void skip(size_t count) { at_ += count; }
  // Space, tab, CR, LF.
  void skip_spaces();
  // Those that follow go behind spaces, which are skipped. The sign, when it is next.
  bool take(char sign);
  // What is up to the first of `stops`, and stays.
  std::string_view peek(std::string_view stops);
  // The word, when it is next and up to the first of `stops`.
  bool take_word(std::string_view word, std::string_view stops);

  // kInvalid: where we are, what was wanted there, and what is there.
  tl::unexpected<Error> wrong(const char* wanted) const;

 private:
  std::string_view text_;
  size_t at_ = 0;
  Told told_;
};

}  // namespace berth::metrics
