#include "resolver/upstreams.h"

#include "sys/file.h"

#include <algorithm>

namespace berth::resolver {
namespace {

constexpr size_t kResolvConfMax = 64 * 1024;
constexpr int64_t kNanosecondsPerSecond = 1000000000;

}  // namespace

Upstreams::Upstreams(std::vector<dns::ServerAddress> told, std::string resolv_conf)
    : path_(told.empty() ? std::move(resolv_conf) : ""), servers_(std::move(told)) {}

std::vector<dns::ServerAddress> Upstreams::in_order() {
  if (!path_.empty()) follow_file();
  std::vector<dns::ServerAddress> servers = servers_;
  if (first_ < servers.size()) {
    std::rotate(servers.begin(), servers.begin() + static_cast<std::ptrdiff_t>(first_),
                servers.end());
  }
  return servers;
}

void Upstreams::note_answer(const dns::ServerAddress& server) {
  auto found = std::ranges::find(servers_, server);
  if (found != servers_.end()) first_ = static_cast<size_t>(found - servers_.begin());
}

void Upstreams::follow_file() {
  FileIdentity now;
  auto st = sys::stat(path_);
  if (st) {
    now = {st->st_dev, st->st_ino, st->st_mtim.tv_sec * kNanosecondsPerSecond + st->st_mtim.tv_nsec,
           st->st_size};
  }
  if (now == read_) return;
  read_ = now;
  first_ = 0;
  servers_ = dns::servers_of_resolv_conf(sys::read_file(path_, kResolvConfMax).value_or(""));
}

}  // namespace berth::resolver
