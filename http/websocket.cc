#include "http/websocket.h"

#include "base/text.h"

#include <fmt/core.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace berth::http {
namespace {

constexpr std::string_view kAcceptUuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // section 1.3
constexpr size_t kKeySize = 24;  // base64 of 16 bytes
constexpr const char* kVersion = "13";

std::string accept_of(const std::string& key) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  std::string text = key + std::string(kAcceptUuid);
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr);
  std::array<unsigned char, 4 * (EVP_MAX_MD_SIZE / 3 + 1) + 1> encoded{};
  int length = EVP_EncodeBlock(encoded.data(), digest.data(), static_cast<int>(size));
  return {reinterpret_cast<const char*>(encoded.data()), static_cast<size_t>(length)};
}

bool has_word(const std::string& header, std::string_view word) {
  std::vector<std::string> words = split(to_lower(header), ',');
  return std::ranges::any_of(words, [&](const std::string& each) { return trim(each) == word; });
}

Response refusal(int status, const char* text) {
  return {.status = status, .content_type = "text/plain", .body = text};
}

}  // namespace

bool asks_for_websocket(const Request& request) {
  return !request.is_old && has_word(request.header("upgrade"), "websocket") &&
         has_word(request.header("connection"), "upgrade");
}

tl::expected<std::string, Response> accept_websocket(const Request& request) {
  bool asks = request.method == "GET" && asks_for_websocket(request);
  if (!asks) return tl::unexpected(refusal(400, "this is for WebSocket connections (RFC 6455)\n"));
  if (request.header("sec-websocket-version") != kVersion) {
    Response refused = refusal(426, "Sec-WebSocket-Version: must be 13\n");
    refused.headers["Sec-WebSocket-Version"] = kVersion;
    return tl::unexpected(std::move(refused));
  }
  const std::string& key = request.header("sec-websocket-key");
  if (key.size() != kKeySize) {
    return tl::unexpected(refusal(400, "Sec-WebSocket-Key: must be the base64 of 16 bytes\n"));
  }
  return fmt::format(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: {}\r\n\r\n",
      accept_of(key));
}

}  // namespace berth::http
