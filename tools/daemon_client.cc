#include "tools/daemon_client.h"

#include "agent/paths.h"
#include "base/text.h"
#include "sys/socket.h"
#include "sys/tcp.h"

#include <nlohmann/json.hpp>

#include <array>
#include <cerrno>

namespace berth::tools {
namespace {

using ClientJson = nlohmann::ordered_json;

constexpr size_t kAnswerBytesMax = 16 * 1024 * 1024;
constexpr size_t kReadBytes = 64 * 1024;
constexpr size_t kShownBytes = 500;  // of an answer that cannot be read
constexpr int kOk = 200;
constexpr std::string_view kHeadEnd = "\r\n\r\n";

std::string request_text(const std::string& operation, const std::string& body) {
  return fmt::format(
      "POST / HTTP/1.1\r\nHost: berthd\r\nConnection: close\r\n"
      "Content-Type: application/x-amz-json-1.1\r\n"
      "X-Amz-Target: AmazonEC2ContainerServiceV20141113.{}\r\n"
      "Content-Length: {}\r\n\r\n{}",
      operation, body.size(), body);
}

std::string bare_request(const char* method, const std::string& path) {
  return fmt::format(
      "{} {} HTTP/1.1\r\nHost: berthd\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", method,
      path);
}

Result<sys::Fd> connect_daemon(const agent::Config& config) {
  std::string path = agent::paths_of(config).daemon_socket();
  auto connected = sys::connect_stream(path);
  if (connected) return connected;
  if (connected.error().errno_value == EACCES || connected.error().errno_value == EPERM) {
    return fail(Errc::kDenied, "{}: only root may speak to berthd here", path);
  }
  return fail(Errc::kUnavailable,
              "{}: no berthd serves this instance: start one, or name its --run", path);
}

Status send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    sys::Moved moved = TRY(sys::send_part(fd, bytes));
    if (moved.ended) return fail(Errc::kUnavailable, "berthd has hung up");
    bytes.remove_prefix(moved.bytes);
  }
  return {};
}

Result<std::string> receive_all(int fd) {
  std::string bytes;
  std::string buffer(kReadBytes, '\0');
  for (;;) {
    sys::Moved moved = TRY(sys::receive_some(fd, buffer.data(), buffer.size()));
    bytes.append(buffer, 0, moved.bytes);
    if (moved.ended) return bytes;
    if (bytes.size() > kAnswerBytesMax) {
      return fail(Errc::kCorrupt, "berthd: an answer of more than {}",
                  format_bytes(kAnswerBytesMax));
    }
  }
}

Result<ClientJson> ask_daemon(const agent::Config& config, const std::string& request) {
  sys::Fd fd = TRY(connect_daemon(config));
  TRY(send_all(fd.get(), request));
  HttpAnswer answer = TRY(parse_http_answer(TRY(receive_all(fd.get()))));
  ClientJson json = ClientJson::parse(answer.body, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) {
    return fail(Errc::kCorrupt, "berthd: an answer that is no JSON: {}",
                printable(answer.body, kShownBytes));
  }
  if (answer.status == kOk) return json;
  return fail(Errc::kInvalid, "{}: {}", json.value("__type", "error"), json.value("message", ""));
}

}  // namespace

Result<HttpAnswer> parse_http_answer(const std::string& bytes) {
  size_t end = bytes.find(kHeadEnd);
  std::vector<std::string> words = split(bytes.substr(0, bytes.find("\r\n")), ' ');
  uint64_t status = words.size() >= 2 ? parse_u64(words[1]).value_or(0) : 0;
  if (end == std::string::npos || !words[0].starts_with("HTTP/1.") || status == 0 || status > 999) {
    return fail(Errc::kCorrupt, "berthd: no answer of HTTP: {}", printable(bytes, kShownBytes));
  }
  return HttpAnswer{static_cast<int>(status), bytes.substr(end + kHeadEnd.size())};
}

Result<ClientJson> get_from_daemon(const agent::Config& config, const std::string& path) {
  return ask_daemon(config, bare_request("GET", path));
}

Result<ClientJson> post_to_daemon(const agent::Config& config, const std::string& path) {
  return ask_daemon(config, bare_request("POST", path));
}

Result<ClientJson> ask_ecs(const agent::Config& config, const std::string& operation,
                           const ClientJson& request) {
  std::string body = request.dump(-1, ' ', false, ClientJson::error_handler_t::replace);
  return ask_daemon(config, request_text(operation, body));
}

}  // namespace berth::tools
