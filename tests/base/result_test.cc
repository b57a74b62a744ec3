#include "base/result.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <memory>

namespace berth {
namespace {

Result<int> half(int n) {
  if (n % 2 != 0) return fail(Errc::kInvalid, "{} is odd", n);
  return n / 2;
}

Result<int> quarter(int n) {
  int once = TRY(half(n));
  return TRY(half(once));
}

Status both(int a, int b) {
  TRY(half(a));
  TRY(half(b));
  return {};
}

Result<std::unique_ptr<int>> boxed(int n) {
  auto box = std::make_unique<int>(TRY(half(n)));
  return box;
}

TEST(Result, TryGivesTheValueOrReturnsTheError) {
  EXPECT_EQ(quarter(12).value(), 3);
  EXPECT_EQ(quarter(6).error().text, "3 is odd");
  EXPECT_TRUE(both(2, 4).has_value());
  EXPECT_EQ(both(2, 5).error().text, "5 is odd");
}

TEST(Result, TryMovesWhatCannotBeCopied) {
  auto outer = []() -> Result<int> {
    std::unique_ptr<int> box = TRY(boxed(8));
    return *box;
  };
  EXPECT_EQ(outer().value(), 4);
}

TEST(Result, WrapPutsContextInFront) {
  auto wrapped = []() -> Status { return wrap(half(3).error(), "split {}", "pie"); }();
  EXPECT_EQ(wrapped.error().text, "split pie: 3 is odd");
  EXPECT_EQ(wrapped.error().code, Errc::kInvalid);
}

TEST(Result, ErrnoDecidesTheCode) {
  struct Case {
    int errno_value;
    Errc code;
  };
  for (const Case& c :
       {Case{ENOENT, Errc::kNotFound}, Case{EEXIST, Errc::kExists}, Case{EACCES, Errc::kDenied},
        Case{ENOSPC, Errc::kExhausted}, Case{EIO, Errc::kSystem}}) {
    Status status = fail_errno(c.errno_value, "open {}", "x");
    EXPECT_EQ(status.error().code, c.code);
    EXPECT_EQ(status.error().errno_value, c.errno_value);
  }
  Status status = fail_errno(ENOENT, "open {}", "/x");
  EXPECT_EQ(status.error().text, "open /x: No such file or directory");
}

}  // namespace
}  // namespace berth
