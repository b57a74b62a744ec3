#include "base/log.h"

#include "base/text.h"

#include <atomic>
#include <cstdio>

namespace berth::log {
namespace {

constexpr size_t kFactMax = 1024;

std::atomic<Level> threshold{Level::kWarn};

const char* name_of(Level level) {
  switch (level) {
    case Level::kDebug:
      return "debug";
    case Level::kInfo:
      return "info";
    case Level::kWarn:
      return "warn";
    case Level::kError:
      return "error";
  }
  return "?";
}

void write_to_stderr(Level, std::string_view line) {
  std::string whole(line);
  whole += '\n';
  std::fwrite(whole.data(), 1, whole.size(), stderr);
}

Sink& sink() {
  static Sink current = write_to_stderr;
  return current;
}

}  // namespace

void set_sink(Sink new_sink) {
  sink() = std::move(new_sink);
}

void set_level(Level level) {
  threshold.store(level, std::memory_order_relaxed);
}

bool is_on(Level level) {
  return level >= threshold.load(std::memory_order_relaxed);
}

void write(Level level, std::string_view message, std::initializer_list<Fact> facts) {
  std::string line = fmt::format("berth: {}: {}", name_of(level), message);
  for (const Fact& fact : facts) {
    line += fmt::format(" {}={}", fact.key, printable(fact.value, kFactMax));
  }
  sink()(level, line);
}

}  // namespace berth::log
