#include "http/request_head.h"

#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace berth::http {
namespace {

constexpr std::string_view kScheme = "http://";
constexpr std::string_view kBlanks = " \t";  // OWS of RFC 9110, 5.6.3; trim() would take CR, too

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

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::string_view without_blanks(std::string_view text) {
  size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

// The members of a list (RFC 9110, 5.6.1) in lower case; empty ones are none.
std::vector<std::string> members_of(std::string_view list) {
  std::vector<std::string> members;
  for (const std::string& piece : split(list, ',')) {
    std::string member = to_lower(without_blanks(piece));
    if (!member.empty()) members.push_back(std::move(member));
  }
  return members;
}

bool has_member(const Request& request, const std::string& header, std::string_view wanted) {
  std::vector<std::string> members = members_of(request.header(header));
  return std::ranges::find(members, wanted) != members.end();
}

// A later minor version is spoken to as 1.1 (RFC 9110, 2.5).
tl::expected<void, Refusal> read_version(std::string_view word, Request& request) {
  constexpr std::string_view kName = "HTTP/";
  bool is_version = word.size() == kName.size() + 3 && word.starts_with(kName) &&
                    is_digit(word[5]) && word[6] == '.' && is_digit(word[7]);
  if (!is_version) return refuse(400, "no version of HTTP: " + printable(word, kShownMax));
  if (word[5] != '1') return refuse(505, "HTTP/1.1 is spoken here");
  request.is_old = word[7] == '0';
  return {};
}

// Of "http://HOST/path?query": who is asked so must take the host from there (RFC 9112, 3.2.2).
tl::expected<std::string, Refusal> path_in_url(std::string_view url, std::string& host) {
  url.remove_prefix(kScheme.size());
  size_t end = std::min(url.find_first_of("/?"), url.size());
  host = url.substr(0, end);
  if (host.empty()) return refuse(400, "the target names no host");
  std::string path(url.substr(end));
  return path.starts_with('/') ? path : "/" + path;
}

// `host` is that of the target, where it names one.
tl::expected<void, Refusal> read_target(std::string_view target, Request& request,
                                        std::string& host) {
  if (request.method == "CONNECT") return refuse(501, "CONNECT: this is no proxy");
  std::string path(target);
  if (to_lower(target.substr(0, kScheme.size())) == kScheme) {
    auto found = path_in_url(target, host);
    if (!found) return tl::unexpected(found.error());
    path = std::move(*found);
  }
  bool asks_for_all = path == "*" && request.method == "OPTIONS";
  if (!path.starts_with('/') && !asks_for_all) {
    return refuse(400, "the target must be a path, or begin with http://");
  }
  size_t mark = path.find('?');
  request.path = path.substr(0, mark);
  if (mark != std::string::npos) request.query = path.substr(mark + 1);
  return {};
}

tl::expected<void, Refusal> read_request_line(std::string_view line, Request& request,
                                              std::string& host) {
  std::vector<std::string> words = split(line, ' ');
  bool is_line = words.size() == 3 && is_token(words[0]) && is_visible(words[1]);
  if (!is_line) return refuse(400, "malformed request line: " + printable(line, kShownMax));
  request.method = words[0];
  auto read = read_version(words[2], request);
  return read ? read_target(words[1], request, host) : read;
}

tl::expected<void, Refusal> read_header(std::string_view line, Request& request) {
  auto field = parse_field(line);
  if (!field) return tl::unexpected(field.error());
  auto [place, is_new] = request.headers.emplace(std::move(field->name), field->value);
  if (is_new) return {};
  // Two of these would be two requests, to somebody.
  if (place->first == "host" || place->first == "content-length") {
    return refuse(400, place->first + ": is there twice");
  }
  place->second += ", " + field->value;
  return {};
}

tl::expected<void, Refusal> read_host(Request& request, const std::string& host_of_target) {
  auto found = request.headers.find("host");
  if (found == request.headers.end() && !request.is_old) return refuse(400, "Host: is missing");
  if (found == request.headers.end() && host_of_target.empty()) return {};
  std::string& host = request.headers["host"];
  if (!host_of_target.empty()) host = host_of_target;
  constexpr std::string_view kNever = "/?#@\\\"<>,";
  if (is_visible(host) && host.find_first_of(kNever) == std::string::npos) return {};
  return refuse(400, "Host: " + printable(host, kShownMax));
}

tl::expected<void, Refusal> read_codings(Head& head) {
  const std::string& header = head.request.header("transfer-encoding");
  // Where such a body would end, nobody could be sure of (RFC 9112, 6.1 and 6.3).
  if (head.request.headers.contains("content-length")) {
    return refuse(400, "Content-Length and Transfer-Encoding together");
  }
  if (head.request.is_old) return refuse(400, "Transfer-Encoding with HTTP/1.0");
  std::vector<std::string> codings = members_of(header);
  if (codings.empty() || codings.back() != "chunked") {
    return refuse(400,
                  "Transfer-Encoding: the last must be chunked: " + printable(header, kShownMax));
  }
  codings.pop_back();
  if (std::ranges::find(codings, "chunked") != codings.end()) {
    return refuse(400, "Transfer-Encoding: chunked twice");
  }
  if (!codings.empty()) {
    return refuse(501, "Transfer-Encoding: only chunked is taken: " + printable(header, kShownMax));
  }
  head.is_chunked = true;
  return {};
}

tl::expected<void, Refusal> read_framing(Head& head, size_t body_max) {
  if (head.request.headers.contains("transfer-encoding")) return read_codings(head);
  auto found = head.request.headers.find("content-length");
  if (found == head.request.headers.end()) return {};
  const std::string& length = found->second;
  if (length.empty() || !std::ranges::all_of(length, is_digit)) {
    return refuse(400, "Content-Length: " + printable(length, kShownMax));
  }
  auto size = parse_u64(length);  // nothing: more than 64 bits
  if (!size || *size > body_max) {
    return refuse(413, fmt::format("the body has {} bytes, at most {} are taken",
                                   printable(length, kShownMax), body_max));
  }
  head.body_bytes = static_cast<size_t>(*size);
  return {};
}

bool is_kept(const Request& request) {
  if (has_member(request, "connection", "close")) return false;
  return !request.is_old || has_member(request, "connection", "keep-alive");
}

}  // namespace

tl::unexpected<Refusal> refuse(int status, std::string text) {
  return tl::unexpected(Refusal{status, std::move(text)});
}

bool is_field_value(std::string_view text) {
  return std::ranges::all_of(
      text, [](char c) { return c == '\t' || (c != 127 && static_cast<unsigned char>(c) >= ' '); });
}

tl::expected<Field, Refusal> parse_field(std::string_view line) {
  size_t colon = line.find(':');
  std::string_view name = line.substr(0, colon);
  // A space in front of the colon, or a folded line, has been a way to smuggle requests.
  if (colon == std::string_view::npos || !is_token(name)) {
    return refuse(400, "malformed header: " + printable(line, kShownMax));
  }
  std::string_view value = line.substr(colon + 1);
  if (!is_field_value(value)) {
    return refuse(400, "header " + printable(name, kShownMax) + ": control characters");
  }
  return Field{to_lower(name), std::string(without_blanks(value))};
}

tl::expected<Head, Refusal> parse_head(std::string_view text, size_t body_max) {
  Head head;
  std::string host_of_target;
  size_t end = text.find("\r\n");
  auto read = read_request_line(text.substr(0, end), head.request, host_of_target);
  size_t count = 0;
  while (read && end != std::string_view::npos) {
    if (++count > kHeadersMax) return refuse(431, "too many headers");
    text.remove_prefix(end + 2);
    end = text.find("\r\n");
    read = read_header(text.substr(0, end), head.request);
  }
  if (read) read = read_host(head.request, host_of_target);
  if (read) read = read_framing(head, body_max);
  if (!read) return tl::unexpected(read.error());
  head.request.keep_alive = is_kept(head.request);
  head.is_continued = !head.request.is_old && has_member(head.request, "expect", "100-continue");
  return head;
}

}  // namespace berth::http
