// Log streams by their names alone: for whoever does not know their groups.
#pragma once

#include "base/result.h"

#include <functional>
#include <string>
#include <vector>

namespace berth::logs {

struct StreamPlace {
  std::string region;
  std::string group;
  std::string stream;
};

// Those of all groups and regions below `root` whose names `accepts` takes.
Result<std::vector<StreamPlace>> find_streams(
    const std::string& root, const std::function<bool(const std::string& stream)>& accepts);

}  // namespace berth::logs
