#include "http/message.h"

#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>

namespace berth::http {
namespace {

constexpr size_t kShownMax = 60;  // bytes of what is quoted in a refusal
constexpr std::string_view kEndOfHead = "\r\n\r\n";

tl::unexpected<Refusal> refuse(int status, std::string text) {
  return tl::unexpected(Refusal{status, std::move(text)});
}

// RFC 9110, 5.6.2.
bool is_token(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return is_letter || (c >= '0' && c <= '9') || kMarks.find(c) != std::string_view::npos;
  });
}

bool is_visible(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c < 127; });
}

bool is_field_value(std::string_view text) {
  return std::ranges::all_of(
      text, [](char c) { return c == '\t' || (c != 127 && static_cast<unsigned char>(c) >= ' '); });
}

tl::expected<void, Refusal> read_request_line(std::string_view line, Request& request,
                                              bool& is_old) {
  std::vector<std::string> words = split(line, ' ');
  bool is_line = words.size() == 3 && is_token(words[0]) && is_visible(words[1]);
  if (!is_line) return refuse(400, "malformed request line: " + printable(line, kShownMax));
  if (words[2] != "HTTP/1.1" && words[2] != "HTTP/1.0") {
    return refuse(505, "HTTP/1.1 is spoken here");
  }
  is_old = words[2] == "HTTP/1.0";
  // Proxies would send a whole URL; nobody asks us as one.
  if (!words[1].starts_with('/')) return refuse(400, "the target must be a path");
  request.method = words[0];
  size_t mark = words[1].find('?');
  request.path = words[1].substr(0, mark);
  if (mark != std::string::npos) request.query = words[1].substr(mark + 1);
  return {};
}

tl::expected<void, Refusal> read_header(std::string_view line, Request& request) {
  size_t colon = line.find(':');
  std::string_view name = line.substr(0, colon);
  // A space in front of the colon, or a folded line, has been a way to smuggle requests.
  if (colon == std::string_view::npos || !is_token(name)) {
    return refuse(400, "malformed header: " + printable(line, kShownMax));
  }
  std::string value(trim(line.substr(colon + 1)));
  if (!is_field_value(value)) {
    return refuse(400, "header " + printable(name, kShownMax) + ": control characters");
  }
  auto [place, is_new] = request.headers.emplace(to_lower(name), value);
  if (!is_new) place->second += ", " + value;
  return {};
}

// "keep-alive", "close" or neither among the words of Connection.
bool has_connection_word(const Request& request, std::string_view wanted) {
  for (const std::string& word : split(request.header("connection"), ',')) {
    if (to_lower(trim(word)) == wanted) return true;
  }
  return false;
}

tl::expected<size_t, Refusal> body_size_of(const Request& request, size_t body_max) {
  if (!request.header("transfer-encoding").empty()) {
    return refuse(501, "send the body with Content-Length, not with Transfer-Encoding");
  }
  const std::string& length = request.header("content-length");
  if (length.empty()) return size_t{0};
  auto size = parse_u64(length);
  if (!size) return refuse(400, "Content-Length: " + printable(length, kShownMax));
  if (*size > body_max) {
    return refuse(413, fmt::format("the body has {} bytes, at most {} are taken", *size, body_max));
  }
  return static_cast<size_t>(*size);
}

tl::expected<Request, Refusal> read_head(std::string_view head) {
  Request request;
  bool is_old = false;
  bool is_first = true;
  size_t count = 0;
  while (!head.empty()) {
    size_t end = head.find("\r\n");
    std::string_view line = head.substr(0, end);
    head = end == std::string_view::npos ? std::string_view() : head.substr(end + 2);
    auto read = is_first ? read_request_line(line, request, is_old) : read_header(line, request);
    if (!read) return tl::unexpected(read.error());
    if (!is_first && ++count > kHeadersMax) return refuse(431, "too many headers");
    is_first = false;
  }
  if (is_first) return refuse(400, "malformed request line: ");
  request.keep_alive =
      is_old ? has_connection_word(request, "keep-alive") : !has_connection_word(request, "close");
  return request;
}

}  // namespace

const std::string& Request::header(const std::string& name) const {
  static const std::string kNone;
  auto found = headers.find(name);
  return found == headers.end() ? kNone : found->second;
}

tl::expected<std::optional<Parsed>, Refusal> parse_request(std::string_view bytes,
                                                           size_t body_max) {
  size_t end = bytes.substr(0, kHeadMax + kEndOfHead.size()).find(kEndOfHead);
  if (end == std::string_view::npos) {
    if (bytes.size() >= kHeadMax) return refuse(431, "the headers are too long");
    return std::nullopt;
  }
  auto request = read_head(bytes.substr(0, end));
  if (!request) return tl::unexpected(request.error());
  auto size = body_size_of(*request, body_max);
  if (!size) return tl::unexpected(size.error());
  size_t begin = end + kEndOfHead.size();
  if (bytes.size() - begin < *size) return std::nullopt;
  request->body = bytes.substr(begin, *size);
  return Parsed{std::move(*request), begin + *size};
}

bool awaits_continue(std::string_view bytes) {
  size_t end = bytes.find(kEndOfHead);
  // One that has begun with the body does not wait any more.
  if (end == std::string_view::npos || end + kEndOfHead.size() != bytes.size()) return false;
  auto request = read_head(bytes.substr(0, end));
  return request && to_lower(request->header("expect")) == "100-continue";
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
    case 415:
      return "Unsupported Media Type";
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
