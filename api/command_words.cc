#include "api/command_words.h"

#include <optional>
#include <utility>

namespace berth::api {
namespace {

constexpr std::string_view kSpaces = " \t\r\n";
constexpr std::string_view kEscapedInQuotes = "\"\\$`";  // by a backslash inside of "..."

class WordReader {
 public:
  explicit WordReader(std::string_view rest) : rest_(rest) {}

  // Nothing at the end.
  Result<std::optional<std::string>> next() {
    while (!rest_.empty() && kSpaces.find(rest_.front()) != std::string_view::npos) take();
    if (rest_.empty()) return std::optional<std::string>();
    std::string word;
    while (!rest_.empty() && kSpaces.find(rest_.front()) == std::string_view::npos) {
      TRY(read_piece(word));
    }
    return std::optional<std::string>(std::move(word));
  }

 private:
  char take() {
    char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }

  Status read_piece(std::string& word) {
    char c = take();
    if (c == '\'' || c == '"') return read_quoted(c, word);
    if (c == '\\') {
      if (rest_.empty()) return fail(Errc::kInvalid, "a backslash at its end");
      c = take();
    }
    word += c;
    return {};
  }

  Status read_quoted(char quote, std::string& word) {
    while (!rest_.empty()) {
      char c = take();
      if (c == quote) return {};
      bool escapes = quote == '"' && c == '\\' && !rest_.empty() &&
                     kEscapedInQuotes.find(rest_.front()) != std::string_view::npos;
      word += escapes ? take() : c;
    }
    return fail(Errc::kInvalid, "a quote ({}) that is not closed", quote);
  }

  std::string_view rest_;
};

}  // namespace

Result<std::vector<std::string>> command_words(std::string_view command) {
  if (command.find('\0') != std::string_view::npos) {
    return fail(Errc::kInvalid, "must not contain NUL");
  }
  std::vector<std::string> words;
  WordReader reader(command);
  while (auto word = TRY(reader.next())) words.push_back(std::move(*word));
  if (words.empty()) return fail(Errc::kInvalid, "names no program");
  return words;
}

}  // namespace berth::api
