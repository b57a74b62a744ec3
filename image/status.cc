#include "image/status.h"

#include <map>

namespace berth::image {

bool is_passing(int status) {
  return status == 408 || status == 425 || status == 429 || status >= 500;
}

std::string status_line(int status) {
  static const std::map<int, const char*> names = {
      {200, "OK"},
      {202, "Accepted"},
      {204, "No Content"},
      {206, "Partial Content"},
      {301, "Moved Permanently"},
      {302, "Found"},
      {303, "See Other"},
      {304, "Not Modified"},
      {307, "Temporary Redirect"},
      {308, "Permanent Redirect"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {406, "Not Acceptable"},
      {407, "Proxy Authentication Required"},
      {408, "Request Timeout"},
      {409, "Conflict"},
      {410, "Gone"},
      {411, "Length Required"},
      {413, "Request Entity Too Large"},
      {416, "Requested Range Not Satisfiable"},
      {418, "I'm a teapot"},
      {425, "Too Early"},
      {429, "Too Many Requests"},
      {500, "Internal Server Error"},
      {501, "Not Implemented"},
      {502, "Bad Gateway"},
      {503, "Service Unavailable"},
      {504, "Gateway Timeout"},
  };
  auto found = names.find(status);
  return std::to_string(status) + (found == names.end() ? "" : std::string(" ") + found->second);
}

}  // namespace berth::image
