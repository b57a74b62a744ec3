#include "tools/table.h"

#include <gtest/gtest.h>

namespace berth::tools {
namespace {

TEST(Table, ColumnsAreAsWideAsTheirWidestCell) {
  Table table({"TASK", "STATUS"});
  table.add({"0123456789ab", "RUNNING"});
  table.add({"x", ""});
  EXPECT_EQ(table.render(),
            "TASK          STATUS\n"
            "0123456789ab  RUNNING\n"
            "x\n");
}

}  // namespace
}  // namespace berth::tools
