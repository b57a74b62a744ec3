// A document about a service's operations has a row for each, as the table of operations has it.
#pragma once

#include "api/json_service.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <fstream>
#include <span>
#include <sstream>
#include <string>
#include <vector>

namespace berth::api {

template <class Operation>
void expect_documented(std::span<const Operation> operations, const std::string& document) {
  std::ifstream file(std::string(BERTH_SOURCE_DIR) + "/docs/" + document);
  std::vector<std::string> rows;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("| ") && !line.starts_with("| operation")) rows.push_back(line);
  }
  std::vector<std::string> wanted;
  for (const Operation& each : operations) {
    const char* support = each.support == Support::kWorks    ? "works"
                          : each.support == Support::kPartly ? "partly"
                                                             : "refused";
    wanted.push_back(fmt::format("| {} | {} | {} |", each.name, support, each.note));
    EXPECT_EQ(find_operation_in(operations, each.name), &each) << "in the order of their names";
  }
  EXPECT_EQ(rows, wanted) << document;
}

}  // namespace berth::api
