#include "tools/log_printer.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace berth {
namespace {

using tools::Colour;
using tools::LogPrinter;

// What a printer wrote to its two files.
struct Printed {
  Printed(const std::string& only, Colour colour)
      : out(::open_memstream(&out_text, &out_size)),
        err(::open_memstream(&err_text, &err_size)),
        printer({"web", "sidecar"}, only, colour, out, err) {}
  ~Printed() {
    std::fclose(out);
    std::fclose(err);
    std::free(out_text);
    std::free(err_text);
  }
  std::string standard_output() {
    std::fflush(out);
    return {out_text, out_size};
  }
  std::string standard_error() {
    std::fflush(err);
    return {err_text, err_size};
  }

  char* out_text = nullptr;
  size_t out_size = 0;
  char* err_text = nullptr;
  size_t err_size = 0;
  FILE* out;
  FILE* err;
  LogPrinter printer;
};

TEST(LogPrinter, PrefixesAreOfOneWidth) {
  Printed printed("", Colour::kNever);
  printed.printer.print("web", "stdout", "one\n");
  printed.printer.print("sidecar", "stderr", "two\n");
  EXPECT_EQ(printed.standard_output(), "web     | one\nsidecar | two\n");
}

TEST(LogPrinter, APieceIsContinuedOrEnded) {
  Printed printed("", Colour::kNever);
  printed.printer.print("web", "stdout", "long ");
  printed.printer.print("web", "stdout", "line\n");
  printed.printer.print("web", "stdout", "cut");
  printed.printer.print("sidecar", "stdout", "other\n");
  printed.printer.print("web", "stdout", "unfinished");
  printed.printer.finish();
  EXPECT_EQ(printed.standard_output(),
            "web     | long line\nweb     | cut\nsidecar | other\nweb     | unfinished\n");
}

TEST(LogPrinter, OneContainerIsShownAsItIs) {
  Printed printed("web", Colour::kAlways);
  printed.printer.print("web", "stdout", "out\n");
  printed.printer.print("web", "stderr", "err\n");
  printed.printer.print("sidecar", "stdout", "not shown\n");
  EXPECT_EQ(printed.standard_output(), "out\n");
  EXPECT_EQ(printed.standard_error(), "err\n");
}

TEST(LogPrinter, ColoursWrapThePrefixOnly) {
  Printed printed("", Colour::kAlways);
  printed.printer.print("web", "stdout", "one\n");
  EXPECT_EQ(printed.standard_output(), "\x1b[36mweb     | \x1b[0mone\n");
}

TEST(LogPrinter, EachLineOfAnEventHasThePrefix) {
  Printed printed("", Colour::kNever);
  printed.printer.print("web", "stdout", "error\n  at x\n");
  EXPECT_EQ(printed.standard_output(), "web     | error\nweb     |   at x\n");
}

TEST(LogPrinter, ATimeStandsWhereALineBegins) {
  Printed all("", Colour::kNever);
  all.printer.print("web", "stdout", "T1", "long ");
  all.printer.print("web", "stdout", "T2", "line\n");
  all.printer.print("web", "stdout", "T3", "cut");
  all.printer.print("sidecar", "stdout", "T4", "other\n");
  EXPECT_EQ(all.standard_output(),
            "web     | T1 long line\nweb     | T3 cut\nsidecar | T4 other\n");
  Printed one("web", Colour::kNever);
  one.printer.print("web", "stdout", "T1", "long ");
  one.printer.print("web", "stderr", "T2", "error\n");
  one.printer.print("web", "stdout", "T3", "line\n");
  one.printer.print("web", "stdout", "T4", "next\n");
  EXPECT_EQ(one.standard_output(), "T1 long line\nT4 next\n");
  EXPECT_EQ(one.standard_error(), "T2 error\n");
}

}  // namespace
}  // namespace berth
