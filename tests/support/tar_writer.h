// TarWriter: archives by hand, for what no tool would make. ustar headers, and pax records.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

namespace berth::testing_support {

struct TarEntry {
  std::string name;
  char type = '0';  // '0' file, '1' hard link, '2' symlink, '3' char, '4' block, '5' dir, '6' fifo
  std::string content = {};
  std::string link = {};
  unsigned mode = 0644;
  unsigned uid = 0;
  unsigned gid = 0;
  int64_t mtime = 1000000000;
  unsigned major = 0;
  unsigned minor = 0;
  std::vector<std::pair<std::string, std::string>> pax = {};
};

class TarWriter {
 public:
  TarWriter& add(const TarEntry& entry) {
    if (!entry.pax.empty()) {
      std::string records;
      for (const auto& [key, value] : entry.pax) records += pax_record(key, value);
      block({.name = "PaxHeader", .type = 'x', .content = records});
    }
    block(entry);
    return *this;
  }
  // With the two empty blocks that end an archive.
  std::string finish() const { return bytes_ + std::string(1024, '\0'); }
  const std::string& unfinished() const { return bytes_; }

 private:
  static std::string pax_record(const std::string& key, const std::string& value) {
    size_t rest = key.size() + value.size() + 3;  // space, '=', newline
    size_t length = rest;
    while (length != rest + std::to_string(length).size()) {
      length = rest + std::to_string(length).size();
    }
    return fmt::format("{} {}={}\n", length, key, value);
  }

  void block(const TarEntry& entry) {
    std::string header(512, '\0');
    auto put = [&](size_t at, size_t size, const std::string& text) {
      std::memcpy(header.data() + at, text.data(), std::min(size, text.size()));
    };
    put(0, 100, entry.name);
    put(100, 8, fmt::format("{:07o}", entry.mode));
    put(108, 8, fmt::format("{:07o}", entry.uid));
    put(116, 8, fmt::format("{:07o}", entry.gid));
    put(124, 12, fmt::format("{:011o}", entry.content.size()));
    put(136, 12, fmt::format("{:011o}", entry.mtime));
    put(148, 8, "        ");
    header[156] = entry.type;
    put(157, 100, entry.link);
    put(257, 8, std::string("ustar\00000", 8));
    put(329, 8, fmt::format("{:07o}", entry.major));
    put(337, 8, fmt::format("{:07o}", entry.minor));
    unsigned sum = 0;
    for (char c : header) sum += static_cast<unsigned char>(c);
    put(148, 8, fmt::format("{:06o}", sum) + std::string("\0 ", 2));
    bytes_ += header + entry.content;
    bytes_.resize((bytes_.size() + 511) / 512 * 512, '\0');
  }

  std::string bytes_;
};

}  // namespace berth::testing_support
