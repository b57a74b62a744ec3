// Which changes of state the scenarios have seen, and how often: a rule that nothing puts to the
// test proves nothing.
#pragma once

#include "base/env.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace berth::sim {

class Coverage {
 public:
  void saw(const std::string& what) { ++counts_[what]; }
  // Of the clock of a scenario, until its services came to rest.
  void lived(Duration time) { lived_ += time; }
  Duration lived() const { return lived_; }
  // One line each, in text order.
  void print() const;
  // Of all that can happen: what was not seen.
  std::vector<std::string> missing() const;

 private:
  std::map<std::string, int64_t> counts_;
  Duration lived_{};
};

}  // namespace berth::sim
