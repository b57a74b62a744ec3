// Layers as EROFS images, made by Debian's mkfs.erofs, and who has loop devices of them.
#pragma once

#include "base/text.h"
#include "sys/file.h"
#include "sys/spawn.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

namespace berth {

// Waits for it a minute (ten in the guest), which is for what never comes.
template <class Condition>
bool comes_true(Condition condition) {
  bool in_guest = std::getenv("BERTH_GUEST") != nullptr;
  auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(in_guest ? 10 : 1);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return true;
}

// The image of the tree at `directory`: everything in it, names, owners, attributes and nodes.
// Directories on the way to `file` are made.
inline void make_layer_image(const std::string& directory, const std::string& file) {
  ASSERT_TRUE(sys::make_directories(file.substr(0, file.rfind('/')), 0755));
  auto made = sys::run_program({.path = "mkfs.erofs",
                                .arguments = {"mkfs.erofs", "--quiet", file, directory},
                                .environment = std::nullopt,
                                .descriptors = {},
                                .working_directory = ""},
                               "");
  ASSERT_TRUE(made) << made.error().text;
  ASSERT_EQ(made->status.shell_code(), 0) << made->err;
}

// Loop devices of files beneath `directory`, whose name nothing else has. They come and go while
// one looks. The kernel shows a file as the mount namespace saw it in which it was attached, and
// without that from the root of its file system on.
inline std::vector<std::string> loop_devices_beneath(const std::string& directory) {
  std::string within = directory.substr(directory.rfind('/')) + "/";
  std::vector<std::string> found;
  std::vector<std::string> names = sys::list_directory("/sys/block").value();
  for (const std::string& name : names) {
    auto file = sys::read_file("/sys/block/" + name + "/loop/backing_file", 8192);
    if (file && file->find(within) != std::string::npos) found.push_back(name);
  }
  return found;
}

}  // namespace berth
