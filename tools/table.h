// A table for people: columns as wide as their widest cell, two spaces between.
#pragma once

#include <string>
#include <vector>

namespace berth::tools {

class Table {
 public:
  explicit Table(std::vector<std::string> headings) : rows_{std::move(headings)} {}
  // As many cells as there are headings.
  void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  // With the headings; no line ends with a space.
  std::string render() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace berth::tools
