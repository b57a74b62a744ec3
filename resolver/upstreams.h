// The name servers that are asked for what we do not know: those that we were told, or those of the
// host's resolv.conf, which is looked at before every question and read anew when it is another.
#pragma once

#include "dns/server_address.h"

#include <cstdint>
#include <string>
#include <vector>

namespace berth::resolver {

constexpr const char* kResolvConf = "/etc/resolv.conf";

class Upstreams {
 public:
  // `told` empty: those of `resolv_conf`.
  Upstreams(std::vector<dns::ServerAddress> told, std::string resolv_conf);

  // In the order in which they are to be asked: the one that answered last stands first, so that
  // one that is dead holds up one question, not each.
  std::vector<dns::ServerAddress> in_order();
  void note_answer(const dns::ServerAddress& server);

 private:
  struct FileIdentity {
    uint64_t device = 0;
    uint64_t inode = 0;
    int64_t changed_ns = 0;
    int64_t size = -1;  // of no file
    bool operator==(const FileIdentity&) const = default;
  };
  void follow_file();

  std::string path_;  // "": told
  FileIdentity read_;
  std::vector<dns::ServerAddress> servers_;
  size_t first_ = 0;
};

}  // namespace berth::resolver
