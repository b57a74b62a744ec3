#include "tools/detach_keys.h"

#include "base/text.h"

#include <optional>

namespace berth::tools {
namespace {

constexpr std::string_view kControl = "ctrl-";
constexpr size_t kShownKeyMax = 20;

std::optional<char> key_of(std::string_view word) {
  if (word.size() == 1 && word[0] > ' ' && word[0] <= '~') return word[0];
  if (!word.starts_with(kControl) || word.size() != kControl.size() + 1) return std::nullopt;
  char key = word.back();
  if (key >= 'a' && key <= 'z') return static_cast<char>(key - 'a' + 1);
  if (key == '@' || (key >= '[' && key <= '_')) return static_cast<char>(key - '@');
  return std::nullopt;
}

}  // namespace

Result<DetachKeys> DetachKeys::parse(std::string_view text) {
  std::string keys;
  if (text.empty()) return DetachKeys(keys);
  for (const std::string& word : split(text, ',')) {
    auto key = key_of(word);
    if (!key) {
      return fail(Errc::kInvalid,
                  "detach keys: \"{}\" is no key: give characters, or ctrl- with one of a to z and "
                  "@[\\]^_ behind, apart by commas (\"{}\")",
                  printable(word, kShownKeyMax), kDetachKeysDefault);
    }
    keys += *key;
  }
  if (keys.size() <= kDetachKeysMax) return DetachKeys(keys);
  return fail(Errc::kInvalid, "detach keys: {} of them, {} are the most", keys.size(),
              kDetachKeysMax);
}

DetachKeys::Typed DetachKeys::take(std::string_view typed) {
  Typed taken;
  if (keys_.empty()) return {.text = std::string(typed)};
  for (char key : typed) {
    held_ += key;
    while (!keys_.starts_with(held_)) {
      taken.text += held_.front();
      held_.erase(0, 1);
    }
    if (held_ != keys_) continue;
    held_.clear();
    taken.detached = true;
    return taken;
  }
  return taken;
}

}  // namespace berth::tools
