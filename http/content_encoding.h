// Bodies of requests that came compressed (Content-Encoding), as SDKs send large ones.
#pragma once

#include "http/message.h"

#include <tl/expected.hpp>

#include <string>

namespace berth::http {

// The body as it was before it was compressed: of no encoding, identity, or gzip. Refusals: 415 for
// another one, 400 for what is no whole gzip, 413 for one of more than `body_max` bytes, which is
// not unpacked any further.
tl::expected<std::string, Refusal> decoded_body(const Request& request, size_t body_max);

}  // namespace berth::http
