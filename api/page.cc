#include "api/page.h"

#include "base/text.h"

#include <fmt/core.h>

#include <algorithm>

namespace berth::api {
namespace {

// A token is "<operation> <position of the next item> <the last item that was given>" in
// hexadecimal.
std::string make_token(const Ask& ask, size_t position, const std::string& last) {
  return to_hex(fmt::format("{} {} {}", ask.call().operation, position, last));
}

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

std::optional<std::string> from_hex(const std::string& text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  for (size_t i = 0; i < text.size(); i += 2) {
    int high = digit_of(text[i]);
    int low = digit_of(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes += static_cast<char>(high * 16 + low);
  }
  return bytes;
}

// Where the page begins; nothing for a token that we did not make for this operation.
std::optional<size_t> begin_of(const Ask& ask, const std::string& token,
                               const std::vector<std::string>& all) {
  auto text = from_hex(token);
  if (!text) return std::nullopt;
  size_t first = text->find(' ');
  size_t second = first == std::string::npos ? first : text->find(' ', first + 1);
  if (second == std::string::npos || text->substr(0, first) != ask.call().operation) {
    return std::nullopt;
  }
  auto position = parse_u64(text->substr(first + 1, second - first - 1));
  if (!position) return std::nullopt;
  auto last = std::find(all.begin(), all.end(), text->substr(second + 1));
  if (last != all.end()) return static_cast<size_t>(last - all.begin()) + 1;
  // The one that was last has gone: those behind it have moved up by one, or more.
  return std::min<size_t>(*position == 0 ? 0 : *position - 1, all.size());
}

}  // namespace

Page page_of(Ask& ask, const std::vector<std::string>& all, const PageMembers& members) {
  auto most = static_cast<int64_t>(members.max);
  auto usual = static_cast<int64_t>(members.usual == 0 ? members.max : members.usual);
  int64_t count = usual;
  if (!members.limit.empty()) count = ask.number(members.limit, {1, most}).value_or(usual);
  std::string token = ask.text(members.token);
  size_t begin = 0;
  if (!token.empty()) {
    auto known = begin_of(ask, token, all);
    if (!known && members.token_fault.empty()) ask.invalid("Invalid token.");
    if (!known) ask.refuse(std::string(members.token_fault), "Invalid token.");
    begin = known.value_or(0);
  }
  if (ask.refused()) return {};
  size_t end = std::min(all.size(), begin + static_cast<size_t>(count));
  Page page;
  page.items.assign(all.begin() + static_cast<std::ptrdiff_t>(begin),
                    all.begin() + static_cast<std::ptrdiff_t>(end));
  if (end < all.size()) page.next_token = make_token(ask, end, page.items.back());
  return page;
}

}  // namespace berth::api
