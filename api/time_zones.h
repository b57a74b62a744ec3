// Time zones of the system (the package tzdata), by their names. An update of the package is seen
// when the process starts anew.
#pragma once

#include "base/result.h"
#include "scaling/time_zone.h"

#include <map>
#include <string>

namespace berth::api {

class TimeZones {
 public:
  // "" and "UTC" need no file. kNotFound: there is none of that name.
  Result<const scaling::TimeZone*> find(const std::string& name);

 private:
  std::map<std::string, scaling::TimeZone> zones_;
};

}  // namespace berth::api
