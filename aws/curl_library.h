// libcurl, loaded when it is first needed: with it come 25 libraries (TLS, Kerberos, LDAP, SSH)
// that an idle berthd and most commands never use, and that would cost each of them memory and the
// time of its start. Its functions are those of <curl/curl.h>: curl_library.cc has each that berth
// calls.
#pragma once

#include "base/result.h"

namespace berth::aws {

// Before the first call of libcurl's; from any thread, as often as one likes. kUnavailable when the
// host has no libcurl, with the loader's words and the package that has it.
Status load_curl();

}  // namespace berth::aws
