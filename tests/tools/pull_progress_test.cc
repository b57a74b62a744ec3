#include "tools/pull_progress.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace berth {
namespace {

TEST(PullProgress, OneLineALayerAndNothingToAPipe) {
  char* text = nullptr;
  size_t size = 0;
  FILE* to = ::open_memstream(&text, &size);
  tools::PullProgress progress(to);
  progress.update({.layer = "sha256:0123456789abcdef",
                   .phase = image::Phase::kDownloading,
                   .bytes_done = 512,
                   .bytes_total = 1024});
  progress.update({.layer = "sha256:ffffffffffffffff",
                   .phase = image::Phase::kExists,
                   .bytes_done = 0,
                   .bytes_total = 0});
  progress.update({.layer = "sha256:0123456789abcdef",
                   .phase = image::Phase::kDone,
                   .bytes_done = 1024,
                   .bytes_total = 1024});
  EXPECT_EQ(progress.lines(), (std::vector<std::string>{"  0123456789ab  done     1.0 KiB",
                                                        "  ffffffffffff  already there"}));
  std::fclose(to);
  EXPECT_EQ(size, 0u);
  std::free(text);
}

}  // namespace
}  // namespace berth
