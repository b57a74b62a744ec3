// HTTP status codes, as far as a registry's client branches on them and shows them. Pure.
#pragma once

#include <string>

namespace berth::image {

// Whether the same request may well succeed later.
bool is_passing(int status);
// "404 Not Found".
std::string status_line(int status);

}  // namespace berth::image
