#include "runtime/health.h"

#include <gtest/gtest.h>

#include <string>

namespace berth::runtime {
namespace {

using std::chrono::seconds;
constexpr auto kUnknown = HealthStatus::kUnknown;
constexpr auto kHealthy = HealthStatus::kHealthy;
constexpr auto kUnhealthy = HealthStatus::kUnhealthy;

// Checks every 10 s; 'p' passes, 'f' fails. The status after each, as U, H and S (sick).
std::string statuses(const HealthRule& rule, const std::string& results) {
  std::string text;
  Health health;
  seconds began(0);
  for (char result : results) {
    began += seconds(10);
    health = after_check(rule, health, {.passed = result == 'p', .began = began});
    text += health.status == kUnknown ? 'U' : health.status == kHealthy ? 'H' : 'S';
  }
  return text;
}

TEST(Health, TableOfCourses) {
  struct Case {
    const char* results;
    const char* statuses;
  };
  const Case kPlain[] = {
      {"p", "H"},           {"ff", "UU"},     {"fff", "UUS"},       {"ffp", "UUH"},
      {"pff", "HHH"},       {"pfff", "HHHS"}, {"pffpff", "HHHHHH"},  // only failures in a row count
      {"fffp", "UUSH"},                                              // one success is enough
      {"ffffff", "UUSSSS"},
  };
  for (const Case& one : kPlain) {
    EXPECT_EQ(statuses({.retries = 3}, one.results), one.statuses) << one.results;
  }
  // The start period ends after 35 s: checks at 10, 20 and 30 s are within.
  const Case kStarting[] = {
      {"ffff", "UUUU"},
      {"fffff", "UUUUS"},  // those at 40 and 50 s
      {"pff", "HHS"},      // the success ended the period
      {"ffpff", "UUHHS"},
  };
  for (const Case& one : kStarting) {
    HealthRule rule{.retries = 2, .start_period = seconds(35)};
    EXPECT_EQ(statuses(rule, one.results), one.statuses) << one.results;
  }
  EXPECT_EQ(statuses({.retries = 1}, "fp"), "SH");
}

TEST(Health, TheStartPeriodEndsOnTime) {
  HealthRule rule{.retries = 1, .start_period = seconds(10)};
  EXPECT_EQ(after_check(rule, {}, {.passed = false, .began = seconds(10) - Duration(1)}).status,
            kUnknown);
  EXPECT_EQ(after_check(rule, {}, {.passed = false, .began = seconds(10)}).status, kUnhealthy);
}

TEST(Health, FailuresDoNotCountForEver) {
  Health health{.status = kUnhealthy, .failures = 3};
  EXPECT_EQ(after_check({.retries = 3}, health, {.passed = false}), health);
}

}  // namespace
}  // namespace berth::runtime
