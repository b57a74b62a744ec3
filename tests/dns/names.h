// What the tests of dns/ share.
#pragma once

#include "dns/name.h"

#include <string>

namespace berth::dns {

inline Name name(const std::string& text) {
  return Name::parse(text).value();
}

}  // namespace berth::dns
