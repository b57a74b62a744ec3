#include "aws/canonical.h"

#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace berth::aws {
namespace {

constexpr std::string_view kHexDigits = "0123456789ABCDEF";

bool is_unreserved(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

void append_encoded(std::string& text, char c) {
  auto byte = static_cast<unsigned char>(c);
  text += '%';
  text += kHexDigits[byte >> 4];
  text += kHexDigits[byte & 15];
}

std::optional<int> hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return std::nullopt;
}

// The byte that %XX at `at` stands for.
std::optional<char> encoded_at(std::string_view text, size_t at) {
  if (text[at] != '%' || at + 2 >= text.size()) return std::nullopt;
  auto high = hex_value(text[at + 1]);
  auto low = hex_value(text[at + 2]);
  if (!high || !low) return std::nullopt;
  return static_cast<char>(*high * 16 + *low);
}

// RFC 3986, 5.2.4, and doubled slashes are one.
std::string remove_dot_segments(std::string_view path) {
  std::vector<std::string> kept;
  std::vector<std::string> segments = split(path, '/');
  for (const std::string& segment : segments) {
    if (segment == "..") {
      if (!kept.empty()) kept.pop_back();
    } else if (!segment.empty() && segment != ".") {
      kept.push_back(segment);
    }
  }
  const std::string& last = segments.back();
  bool ends_open = !kept.empty() && (last.empty() || last == "." || last == "..");
  return "/" + join(kept, "/") + (ends_open ? "/" : "");
}

std::string encode_segments(std::string_view path) {
  std::string text;
  for (char c : path) {
    if (is_unreserved(c) || c == '/') {
      text += c;
    } else {
      append_encoded(text, c);
    }
  }
  return text;
}

// What is encoded already stays so.
std::string encode_what_is_not(std::string_view path) {
  std::string text;
  for (size_t i = 0; i < path.size(); ++i) {
    if (auto byte = encoded_at(path, i)) {
      append_encoded(text, *byte);
      i += 2;
    } else if (is_unreserved(path[i]) || path[i] == '/') {
      text += path[i];
    } else {
      append_encoded(text, path[i]);
    }
  }
  return text;
}

std::string canonical_path(const std::string& path, PathStyle style) {
  if (path.empty()) return "/";
  switch (style) {
    case PathStyle::kService:
      return encode_segments(remove_dot_segments(path));
    case PathStyle::kS3:
      return encode_what_is_not(path);
  }
  return path;
}

}  // namespace

std::string percent_encode(std::string_view text) {
  std::string encoded;
  for (char c : text) {
    if (is_unreserved(c)) {
      encoded += c;
    } else {
      append_encoded(encoded, c);
    }
  }
  return encoded;
}

std::string percent_decode(std::string_view text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    if (auto byte = encoded_at(text, i)) {
      decoded += *byte;
      i += 2;
    } else {
      decoded += text[i];
    }
  }
  return decoded;
}

Query parse_query(std::string_view text) {
  Query query;
  for (const std::string& piece : split(text, '&')) {
    if (piece.empty()) continue;
    size_t equals = piece.find('=');
    std::string value = equals == std::string::npos ? "" : piece.substr(equals + 1);
    query.emplace_back(percent_decode(piece.substr(0, equals)), percent_decode(value));
  }
  return query;
}

std::string render_query(const Query& query) {
  Query encoded;
  encoded.reserve(query.size());
  for (const auto& [name, value] : query) {
    encoded.emplace_back(percent_encode(name), percent_encode(value));
  }
  std::ranges::sort(encoded);
  std::string text;
  for (const auto& [name, value] : encoded) {
    text += fmt::format("{}{}={}", text.empty() ? "" : "&", name, value);
  }
  return text;
}

std::string collapse_white_space(std::string_view text) {
  std::string collapsed;
  bool is_between = false;
  for (char c : text) {
    if (c == ' ' || (c >= '\t' && c <= '\r')) {
      is_between = !collapsed.empty();
      continue;
    }
    if (is_between) collapsed += ' ';
    is_between = false;
    collapsed += c;
  }
  return collapsed;
}

std::string header_value(const Headers& headers, std::string_view name) {
  std::string joined;
  bool is_first = true;
  for (const auto& [header, value] : headers) {
    if (to_lower(header) != name) continue;
    joined += (is_first ? "" : ",") + collapse_white_space(value);
    is_first = false;
  }
  return joined;
}

std::string canonical_request(const Request& request,
                              const std::vector<std::string>& signed_headers,
                              std::string_view payload_hash, PathStyle style) {
  std::string headers;
  for (const std::string& name : signed_headers) {
    headers += fmt::format("{}:{}\n", name, header_value(request.headers, name));
  }
  return fmt::format("{}\n{}\n{}\n{}\n{}\n{}", request.method, canonical_path(request.path, style),
                     render_query(parse_query(request.query)), headers, join(signed_headers, ";"),
                     payload_hash);
}

}  // namespace berth::aws
