// The two nfnetlink requests that need no rule language: is a table there, and delete it. They cost
// microseconds where starting nft(8) costs milliseconds; rules themselves are rendered as nft text.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <string>

namespace berth::sys {

enum class NftFamily : uint8_t { kInet = 1, kBridge = 7 };

struct NftTable {
  NftFamily family = NftFamily::kInet;
  std::string name;
};

Result<bool> nft_table_exists(const NftTable& table);
// With everything in it. Missing is success.
Status delete_nft_table(const NftTable& table);

}  // namespace berth::sys
