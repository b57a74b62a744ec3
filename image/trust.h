// Trust: which certificates a host may show us beside those of the system's authorities, and which
// one we show it, as Docker and podman keep them:
//
//   DIRECTORY/HOST[:PORT]/*.crt             authorities
//                         NAME.cert         our certificate, and
//                         NAME.key          its key
#pragma once

#include "base/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace berth::image {

struct Trust {
  std::string authorities;  // PEM
  std::string certificate;  // path, or empty
  std::string key;          // path, or empty

  bool operator==(const Trust&) const = default;
};

// The client's certificate among the names of a directory ("client" of client.cert and client.key),
// or nothing. kInvalid when one of a pair is missing. Of several the first in text order. Pure.
Result<std::string> client_pair(const std::vector<std::string>& names);

// A missing directory: nothing beside the system's authorities.
Result<Trust> load_trust(const std::string& directory, const std::string& host);

}  // namespace berth::image
