#include "agent/host_faults.h"

#include "base/text.h"
#include "netns/fault.h"
#include "sys/file.h"
#include "sys/netlink.h"

#include <fcntl.h>

#include <algorithm>
#include <vector>

namespace berth::agent {
namespace {

constexpr mode_t kForRoot = 0600;

std::string host_faults_path(const std::string& task_directory) {
  return task_directory + "/host-faults";
}

std::vector<std::string> lines_of(const std::string& written) {
  std::vector<std::string> lines = split(written, '\n');
  lines.pop_back();  // what follows the last end of line
  return lines;
}

Status remove_line(const std::string& line, sys::NetlinkSocket& netlink) {
  std::vector<std::string> words = split(line, ' ');
  if (words.size() == 2 && words[0] == "table") return netns::stop_black_hole(words[1]);
  auto major = words.size() == 3 && words[0] == "link" ? parse_u64(words[1]) : std::nullopt;
  if (!major || *major > UINT16_MAX) return fail(Errc::kCorrupt, "host-faults: {}", line);
  auto link = TRY(netlink.find_link(words[2]));
  if (!link) return {};
  return netns::stop_impairment(link->index, static_cast<uint16_t>(*major), netlink);
}

}  // namespace

Result<HostFaults> HostFaults::open(const std::string& task_directory) {
  std::string path = host_faults_path(task_directory);
  sys::Fd fd = TRY(sys::create(path, O_RDWR | O_APPEND | O_CREAT, kForRoot));
  TRY(sys::lock(fd.get(), sys::LockMode::kExclusive));
  std::string written = TRY(sys::read_all(fd.get(), kHostFaultsMax));
  return HostFaults(std::move(fd), std::move(written));
}

Status HostFaults::write_table(const std::string& table) {
  return write("table " + table);
}

Status HostFaults::write_link(uint16_t major, const std::string& link) {
  return write(fmt::format("link {} {}", major, link));
}

Status HostFaults::write(const std::string& line) {
  if (std::ranges::count(lines_of(written_), line) != 0) return {};
  // The end of line in front ends one that was cut off.
  bool is_cut = !written_.empty() && written_.back() != '\n';
  std::string text = (is_cut ? "\n" : "") + line + "\n";
  if (written_.size() + text.size() > kHostFaultsMax) {
    return fail(Errc::kExhausted, "too many faults of this task in the host's network");
  }
  TRY(sys::write_all(fd_.get(), text));
  written_ += text;
  return {};
}

Status remove_host_faults(const std::string& task_directory) {
  std::string path = host_faults_path(task_directory);
  if (!sys::exists(path)) return {};
  sys::Fd fd = TRY(sys::open(path, O_RDONLY));
  TRY(sys::lock(fd.get(), sys::LockMode::kExclusive));
  auto netlink = TRY(sys::NetlinkSocket::open());
  for (const std::string& line : lines_of(TRY(sys::read_all(fd.get(), kHostFaultsMax)))) {
    // A piece that was cut off, in front of a later line, names nothing that was made.
    auto removed = remove_line(line, netlink);
    if (!removed && removed.error().code != Errc::kCorrupt) return removed;
  }
  return {};
}

}  // namespace berth::agent
