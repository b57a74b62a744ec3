// Credentials of a profile whose owner has signed in with `aws sso login`: the token is read from
// ~/.aws/sso/cache, renewed there when it is about to end (as AWS's own tools do it: its refresh
// token may be good only once), and changed for the keys of the role.
#pragma once

#include "aws/profile_credentials.h"

namespace berth::aws {

// A token is renewed so long before its end.
constexpr Duration kSsoRenewAhead = std::chrono::minutes(15);

// kDenied: nobody has signed in or the session has ended; the error says how to sign in.
Result<Credentials> sso_credentials(const ChainContext& context, const Profile& profile);

}  // namespace berth::aws
