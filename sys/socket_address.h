// Addresses as ip(7) has them.
#pragma once

#include "sys/tcp.h"

#include <arpa/inet.h>
#include <netinet/in.h>

namespace berth::sys {

inline sockaddr_in address_in(TcpAddress at) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(at.port);
  address.sin_addr.s_addr = htonl(at.address.value);
  return address;
}

}  // namespace berth::sys
