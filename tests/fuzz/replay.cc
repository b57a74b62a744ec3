// The fuzz targets where libFuzzer is not: fuzz_replay TARGET [--mutations N] CORPUS-DIRECTORY
//
// Runs every file of the corpus, then N inputs that are made of them by a few changes each. The
// same corpus and N always give the same inputs. An input that crashes is left in the current
// directory as crash-input. One program for all targets: twenty would be a tenth of the build.
#include "base/env.h"
#include "base/text.h"
#include "sys/file.h"
#include "tests/fuzz/targets.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace berth::fuzz {
namespace {

using Target = void (*)(std::string_view);

constexpr std::pair<std::string_view, Target> kTargets[] = {
    {"agent_config", agent_config},
    {"alarm_rule", alarm_rule},
    {"aws_answer", aws_answer},
    {"aws_config_file", aws_config_file},
    {"aws_request", aws_request},
    {"aws_signature", aws_signature},
    {"cbor", cbor},
    {"challenge", challenge},
    {"data_channel", data_channel},
    {"dns_message", dns_message},
    {"docker_archive", docker_archive},
    {"ecr", ecr},
    {"ecs_request", ecs_request},
    {"fault_request", fault_request},
    {"front_door", front_door},
    {"http_request", http_request},
    {"image_config", image_config},
    {"layout_index", layout_index},
    {"manifest", manifest},
    {"math_expression", math_expression},
    {"oci_config", oci_config},
    {"overrides", overrides},
    {"reference", reference},
    {"registry_answer", registry_answer},
    {"registry_header", registry_header},
    {"schedule", schedule},
    {"shim_protocol", shim_protocol},
    {"state", state},
    {"task_definition", task_definition},
    {"task_plan", task_plan},
    {"task_protection", task_protection},
    {"unpack", unpack},
};

const Target* find_target(std::string_view name) {
  auto found = std::ranges::find(kTargets, name, &std::pair<std::string_view, Target>::first);
  return found == std::end(kTargets) ? nullptr : &found->second;
}

constexpr size_t kInputMax = 256 * 1024;
constexpr size_t kChangesMax = 4;

// What parsers stumble over.
const std::vector<std::string>& tokens() {
  static const std::vector<std::string> kTokens = {"-1",
                                                   "0",
                                                   "4294967296",
                                                   "9223372036854775808",
                                                   "18446744073709551616",
                                                   "1e999",
                                                   "1.5",
                                                   "null",
                                                   "true",
                                                   "[]",
                                                   "{}",
                                                   "\"\"",
                                                   "{\"a\":",
                                                   "\\u0000",
                                                   "\\ud800",
                                                   "\xff",
                                                   "\xc0\x80",
                                                   "\x1b[2J",
                                                   "\n",
                                                   "../",
                                                   "/",
                                                   ":",
                                                   "@",
                                                   "=",
                                                   ",",
                                                   std::string(1, '\0'),
                                                   std::string(300, '['),
                                                   std::string(300, 'a'),
                                                   std::string(4000, '9')};
  return kTokens;
}

class Mutator {
 public:
  Mutator(const std::vector<std::string>& corpus, uint64_t seed) : corpus_(corpus), rng_(seed) {}

  std::string next() {
    std::string text = corpus_[below(corpus_.size())];
    for (size_t left = 1 + below(kChangesMax); left > 0; --left) change(text);
    if (text.size() > kInputMax) text.resize(kInputMax);
    return text;
  }

 private:
  size_t below(size_t end) { return end == 0 ? 0 : rng_.next() % end; }

  void change(std::string& text) {
    size_t at = below(text.size() + 1);
    size_t length = below(std::min<size_t>(text.size() - at, 64) + 1);
    switch (below(6)) {
      case 0:
        if (at < text.size()) text[at] = static_cast<char>(text[at] ^ (1 << below(8)));
        return;
      case 1:
        text.insert(at, 1, static_cast<char>(below(256)));
        return;
      case 2:
        text.erase(at, length);
        return;
      case 3:
        text.insert(below(text.size() + 1), text.substr(at, length));
        return;
      case 4:
        text.replace(at, length, tokens()[below(tokens().size())]);
        return;
      default: {
        const std::string& other = corpus_[below(corpus_.size())];
        size_t from = below(other.size() + 1);
        text.replace(at, length, other.substr(from, below(256)));
      }
    }
  }

  const std::vector<std::string>& corpus_;
  SeededRng rng_;
};

std::string running;  // the input in hand, for the signal handler

void keep_input(int signal_number) {
  FILE* file = std::fopen("crash-input", "w");  // we are dying: what is not safe here may fail
  if (file != nullptr) {
    std::fwrite(running.data(), 1, running.size(), file);
    std::fclose(file);
    std::fputs("the input is in crash-input\n", stderr);
  }
  std::signal(signal_number, SIG_DFL);
  std::raise(signal_number);
}

void run(Target target, std::string input) {
  running = std::move(input);
  target(running);
}

Status replay(Target target, const std::string& directory, uint64_t mutations) {
  std::vector<std::string> corpus;
  for (const std::string& name : TRY(sys::list_directory(directory))) {
    corpus.push_back(TRY(sys::read_file(directory + "/" + name, kInputMax)));
  }
  if (corpus.empty()) return fail(Errc::kNotFound, "{}: no corpus", directory);
  run(target, "");
  for (const std::string& input : corpus) run(target, input);
  Mutator mutator(corpus, corpus.size());
  for (uint64_t i = 0; i < mutations; ++i) run(target, mutator.next());
  fmt::print("{} files, {} mutations\n", corpus.size(), mutations);
  return {};
}

}  // namespace
}  // namespace berth::fuzz

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  bool mutates = arguments.size() == 4 && arguments[1] == "--mutations";
  auto mutations = mutates ? berth::parse_u64(arguments[2]) : uint64_t{0};
  if ((arguments.size() != 2 && !mutates) || !mutations) {
    std::fputs("usage: fuzz_replay TARGET [--mutations N] CORPUS-DIRECTORY\n", stderr);
    return 2;
  }
  const auto* target = berth::fuzz::find_target(arguments[0]);
  if (target == nullptr) {
    std::fprintf(stderr, "fuzz_replay: no target named %s\n", arguments[0].c_str());
    return 2;
  }
  std::signal(SIGABRT, berth::fuzz::keep_input);
  std::signal(SIGSEGV, berth::fuzz::keep_input);
  auto done = berth::fuzz::replay(*target, arguments.back(), *mutations);
  if (done) return 0;
  std::fprintf(stderr, "%s\n", done.error().text.c_str());
  return 1;
}
