// The keys that leave a container's terminal and let it run on: what is typed is looked through for
// them, and the beginning of them is held back until it is clear that it is none.
#pragma once

#include "base/result.h"

#include <string>
#include <string_view>

namespace berth::tools {

// As Docker has them.
constexpr const char* kDetachKeysDefault = "ctrl-p,ctrl-q";
constexpr size_t kDetachKeysMax = 16;

class DetachKeys {
 public:
  // "ctrl-p,ctrl-q": keys apart by commas, each a character or "ctrl-" with a letter or one of
  // @ [ \ ] ^ _ behind. "" is no keys: then nothing typed leaves.
  static Result<DetachKeys> parse(std::string_view text);

  struct Typed {
    std::string text;       // for the container
    bool detached = false;  // the keys were typed; what came behind them is dropped
    bool operator==(const Typed&) const = default;
  };
  Typed take(std::string_view typed);

 private:
  explicit DetachKeys(std::string keys) : keys_(std::move(keys)) {}
  std::string keys_;
  std::string held_;  // a beginning of keys_
};

}  // namespace berth::tools
