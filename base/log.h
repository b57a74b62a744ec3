// Structured log: a constant message and facts as keys.
//
//   LOG(kWarn, "layer unpack retried", {{"digest", digest}, {"attempt", n}});
//
// error = a human must look; warn = we coped; info = state changed; debug = why. One line per
// record on the sink (standard error by default): `berth: warn: layer unpack retried digest=...`.
#pragma once

#include <fmt/format.h>

#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>

namespace berth::log {

enum class Level { kDebug, kInfo, kWarn, kError };

struct Fact {
  template <class T>
  Fact(std::string_view fact_key, const T& fact_value)
      : key(fact_key), value(fmt::format("{}", fact_value)) {}
  std::string_view key;
  std::string value;
};

// Where finished lines go. The default writes to standard error.
using Sink = std::function<void(Level, std::string_view line)>;

void set_sink(Sink sink);
// Records below `level` are dropped before their facts are made. The default is kWarn.
void set_level(Level level);
bool is_on(Level level);
void write(Level level, std::string_view message, std::initializer_list<Fact> facts);

}  // namespace berth::log

#define LOG(level, message, ...)                                             \
  do {                                                                       \
    if (::berth::log::is_on(::berth::log::Level::level)) {                   \
      ::berth::log::write(::berth::log::Level::level, message, __VA_ARGS__); \
    }                                                                        \
  } while (false)
