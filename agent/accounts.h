// Users and groups of an image, as Docker resolves USER and the task definition's `user`.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace berth::agent {

struct Account {
  uint32_t uid = 0;
  uint32_t gid = 0;
  std::vector<uint32_t> additional_gids;
  std::string home = "/";  // for HOME when the environment has none
};

// Resolves "user", "uid", "user:group", "uid:gid", "user:gid" or "uid:group" against the texts of
// /etc/passwd and /etc/group (empty when the image has none). "" is root. A numeric uid that is not
// in passwd gets gid 0 and no supplementary groups; with an explicit group there are none either
// way. Errors: kInvalid "unable to find user NAME: no matching entries in passwd file".
Result<Account> resolve_account(std::string_view user, std::string_view passwd,
                                std::string_view group);

}  // namespace berth::agent
