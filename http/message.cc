#include "http/message.h"

#include <fmt/format.h>

#include <array>
#include <chrono>

namespace berth::http {
const std::string& Request::header(const std::string& name) const {
  static const std::string kNone;
  auto found = headers.find(name);
  return found == headers.end() ? kNone : found->second;
}

const char* reason_of(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 301:
      return "Moved Permanently";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 426:
      return "Upgrade Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Unknown";
  }
}

std::string render_response(const Response& response, const std::string& method, After after) {
  std::string text = fmt::format("HTTP/1.1 {} {}\r\n", response.status, reason_of(response.status));
  if (!response.content_type.empty()) text += "Content-Type: " + response.content_type + "\r\n";
  for (const auto& [name, value] : response.headers) text += name + ": " + value + "\r\n";
  text += fmt::format("Content-Length: {}\r\n", response.body.size());
  if (after == After::kClose) text += "Connection: close\r\n";
  if (after == After::kGoOnAsAsked) text += "Connection: keep-alive\r\n";
  text += "\r\n";
  if (method != "HEAD") text += response.body;
  return text;
}

std::string format_http_date(WallTime time) {
  constexpr std::array kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  auto whole = std::chrono::floor<std::chrono::seconds>(time);
  auto midnight = std::chrono::floor<std::chrono::days>(whole);
  std::chrono::year_month_day date(midnight);
  std::chrono::hh_mm_ss of_day(whole - midnight);
  return fmt::format(
      "{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
      kDays[std::chrono::weekday(midnight).c_encoding()], static_cast<unsigned>(date.day()),
      kMonths[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()),
      of_day.hours().count(), of_day.minutes().count(), of_day.seconds().count());
}

}  // namespace berth::http
