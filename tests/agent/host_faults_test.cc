#include "agent/host_faults.h"

#include "sys/file.h"

#include <gtest/gtest.h>

#include <fcntl.h>

namespace berth::agent {
namespace {

std::string written_in(const std::string& directory) {
  return sys::read_file(directory + "/host-faults", kHostFaultsMax).value();
}

TEST(HostFaults, EachIsWrittenOnceAndCutLinesAreEnded) {
  auto directory = sys::TemporaryDirectory::make(testing::TempDir(), "berth-faults-").value();
  {
    HostFaults record = HostFaults::open(directory.path()).value();
    ASSERT_TRUE(record.write_table("t_egress_tcp_80"));
    ASSERT_TRUE(record.write_link(28672, "eth0"));
    ASSERT_TRUE(record.write_table("t_egress_tcp_80"));
    ASSERT_TRUE(sys::write_all(record.fd(), "table t_egr"));
  }
  HostFaults record = HostFaults::open(directory.path()).value();
  ASSERT_TRUE(record.write_link(28672, "eth0"));
  ASSERT_TRUE(record.write_table("t_ingress_udp_53"));
  EXPECT_EQ(written_in(directory.path()),
            "table t_egress_tcp_80\nlink 28672 eth0\ntable t_egr\ntable t_ingress_udp_53\n");
}

TEST(HostFaults, TheyAreLockedAndHaveALimit) {
  auto directory = sys::TemporaryDirectory::make(testing::TempDir(), "berth-faults-").value();
  HostFaults record = HostFaults::open(directory.path()).value();
  sys::Fd other = sys::open(directory.path() + "/host-faults", O_RDONLY).value();
  EXPECT_FALSE(sys::try_lock(other.get(), sys::LockMode::kExclusive).value());
  ASSERT_TRUE(record.write_table(std::string(kHostFaultsMax - sizeof("table \n") + 1, 'x')));
  EXPECT_EQ(record.write_table("y").error().code, Errc::kExhausted);
  EXPECT_EQ(written_in(directory.path()).size(), kHostFaultsMax);
}

TEST(HostFaults, ATaskWithoutAnyHasNothingToRemove) {
  EXPECT_TRUE(remove_host_faults("/nonexistent"));
}

}  // namespace
}  // namespace berth::agent
