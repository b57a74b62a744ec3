// The rules of the house that a compiler cannot check, read from the sources themselves.
#include "base/text.h"
#include "sys/file.h"

#include <gtest/gtest.h>

#include <regex>

namespace berth {
namespace {

std::vector<std::string> sources_in(const std::string& folder) {
  std::vector<std::string> sources;
  std::string root = std::string(BERTH_SOURCE_DIR) + "/" + folder;
  std::vector<std::string> names = sys::list_directory(root).value();
  for (const std::string& name : names) {
    if (name.ends_with(".cc") || name.ends_with(".h")) sources.push_back(root + "/" + name);
  }
  return sources;
}

void expect_nowhere(const std::vector<std::string>& folders, const std::string& pattern) {
  std::regex forbidden(pattern);
  for (const std::string& folder : folders) {
    for (const std::string& path : sources_in(folder)) {
      int number = 0;
      for (const std::string& line : split(sys::read_file(path, 1 << 22).value(), '\n')) {
        ++number;
        if (line.find("//") != std::string::npos) continue;
        EXPECT_FALSE(std::regex_search(line, forbidden)) << path << ":" << number << ": " << line;
      }
    }
  }
}

const std::vector<std::string> kAll = {"base",  "sys",       "runtime", "aws",  "image",
                                       "netns", "scheduler", "agent",   "tools"};
const std::vector<std::string> kAboveSys = {"base",  "runtime",   "aws",   "image",
                                            "netns", "scheduler", "agent", "tools"};

TEST(House, OnlySysReadsClocksAndDrawsRandomNumbers) {
  expect_nowhere(kAboveSys,
                 "(steady_clock|system_clock)::now|clock_gettime\\(|gettimeofday\\(|random_device|"
                 "getrandom\\(|\\bsleep_for\\b|\\busleep\\(|\\bnanosleep\\(|[^_]\\bsleep\\(");
}

TEST(House, IncludesGoByFolder) {
  expect_nowhere(kAll, "#include \"\\.\\./");
}

TEST(House, HeavyHeadersStayOutOfHeaders) {
  std::regex heavy("#include <(nlohmann/json\\.hpp|CLI/|boost/|sqlite3\\.h|curl/)");
  for (const std::string& folder : kAll) {
    for (const std::string& path : sources_in(folder)) {
      if (!path.ends_with(".h")) continue;
      EXPECT_FALSE(std::regex_search(sys::read_file(path, 1 << 22).value(), heavy)) << path;
    }
  }
}

TEST(House, NoShellIsEverStarted) {
  expect_nowhere(kAll, "\\bpopen\\(|[^_]\\bsystem\\(|\"/bin/sh\"");
}

}  // namespace
}  // namespace berth
