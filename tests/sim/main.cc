// service_sim [--scenarios N] [--first SEED] [--trace] [--all-covered]
//   Runs the scenarios of N seeds, prints which changes of state they have seen, and ends with 1 on
//   the first that breaks a rule: its seed, run again with --first SEED --scenarios 1 --trace,
//   shows how. With --all-covered it ends with 1, too, when something was never seen.
#include "sim/coverage.h"
#include "sim/scenario.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

struct SimOptions {
  uint64_t first = 1;
  uint64_t scenarios = 400;
  bool trace = false;
  bool all_covered = false;
};

SimOptions sim_options_of(int argc, char** argv) {
  SimOptions options;
  for (int i = 1; i < argc; ++i) {
    bool has_value = i + 1 < argc;
    if (std::strcmp(argv[i], "--trace") == 0) {
      options.trace = true;
    } else if (std::strcmp(argv[i], "--all-covered") == 0) {
      options.all_covered = true;
    } else if (std::strcmp(argv[i], "--scenarios") == 0 && has_value) {
      options.scenarios = std::strtoull(argv[++i], nullptr, 10);
    } else if (std::strcmp(argv[i], "--first") == 0 && has_value) {
      options.first = std::strtoull(argv[++i], nullptr, 10);
    } else {
      std::fprintf(stderr,
                   "usage: service_sim [--scenarios N] [--first SEED] [--trace] [--all-covered]\n");
      std::exit(2);
    }
  }
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  SimOptions options = sim_options_of(argc, argv);
  berth::sim::Coverage coverage;
  auto begin = std::chrono::steady_clock::now();
  for (uint64_t seed = options.first; seed < options.first + options.scenarios; ++seed) {
    auto broken = berth::sim::run_scenario(seed, coverage, options.trace);
    if (broken.empty()) continue;
    std::printf("seed %llu:\n", static_cast<unsigned long long>(seed));
    for (const std::string& what : broken) std::printf("  %s\n", what.c_str());
    return 1;
  }
  coverage.print();
  auto missing = coverage.missing();
  for (const std::string& what : missing) std::printf("%12s  %s\n", "never", what.c_str());
  std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  std::chrono::duration<double, std::ratio<3600>> lived = coverage.lived();
  std::printf("%llu scenarios, every rule kept; %.0f hours of theirs in %.0f s: %.0f a second\n",
              static_cast<unsigned long long>(options.scenarios), lived.count(), took.count(),
              lived.count() / took.count());
  return options.all_covered && !missing.empty() ? 1 : 0;
}
