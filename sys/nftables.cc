#include "sys/nftables.h"

#include "sys/call.h"
#include "sys/netlink.h"
#include "sys/netlink_message.h"

#include <arpa/inet.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

namespace berth::sys {
namespace {

constexpr uint16_t kNftables = NFNL_SUBSYS_NFTABLES << 8;

std::string table_message(uint16_t type, uint16_t flags, const NftTable& table) {
  nfgenmsg body{static_cast<uint8_t>(table.family), NFNETLINK_V0, 0};
  auto message = start_message(static_cast<uint16_t>(kNftables | type), flags, body);
  append_name(message, NFTA_TABLE_NAME, table.name);
  return message;
}

std::string batch_message(uint16_t type) {
  nfgenmsg body{AF_UNSPEC, NFNETLINK_V0, htons(NFNL_SUBSYS_NFTABLES)};
  return start_message(type, NLM_F_REQUEST, body);
}

// Sends and gives the first answer's errno: a batch that fails as a whole answers for its parts.
Result<int> ask(const char* operation, const NftTable& table, const std::string& request) {
  NetlinkSocket netfilter = TRY(NetlinkSocket::open_netfilter());
  TRY(run(operation, table.name,
          [&] { return ::send(netfilter.fd(), request.data(), request.size(), 0); }));
  std::string buffer(16 * 1024, '\0');
  long size = TRY(call(operation, table.name,
                       [&] { return ::recv(netfilter.fd(), buffer.data(), buffer.size(), 0); }));
  std::string_view answer(buffer.data(), static_cast<size_t>(size));
  if (answer.size() < NLMSG_HDRLEN) return fail(Errc::kCorrupt, "{}: short answer", operation);
  if (read_value<nlmsghdr>(answer).nlmsg_type != NLMSG_ERROR) return 0;
  return parse_acknowledgement(answer).errno_value;
}

}  // namespace

Result<bool> nft_table_exists(const NftTable& table) {
  auto request = table_message(NFT_MSG_GETTABLE, NLM_F_REQUEST, table);
  finish_message(request, 1);
  int error = TRY(ask("get nft table", table, request));
  if (error == ENOENT) return false;
  if (error != 0) return fail_errno(error, "get nft table {}", table.name);
  return true;
}

Status delete_nft_table(const NftTable& table) {
  // Asking costs microseconds; a batch waits for a grace period even when it deletes nothing.
  if (!TRY(nft_table_exists(table))) return {};
  auto begin = batch_message(NFNL_MSG_BATCH_BEGIN);
  auto request = table_message(NFT_MSG_DELTABLE, NLM_F_REQUEST | NLM_F_ACK, table);
  auto end = batch_message(NFNL_MSG_BATCH_END);
  finish_message(begin, 1);
  finish_message(request, 2);
  finish_message(end, 3);
  int error = TRY(ask("delete nft table", table, begin + request + end));
  if (error == ENOENT || error == 0) return {};
  return fail_errno(error, "delete nft table {}", table.name);
}

}  // namespace berth::sys
