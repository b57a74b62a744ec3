#include "aws/xml.h"

#include "base/text.h"

#include <array>
#include <optional>
#include <utility>
#include <vector>

namespace berth::aws {
namespace {

constexpr std::array<std::pair<std::string_view, char>, 5> kEntities = {
    {{"lt", '<'}, {"gt", '>'}, {"amp", '&'}, {"quot", '"'}, {"apos", '\''}}};
constexpr size_t kEntityMax = 16;

std::optional<uint64_t> parse_hex(std::string_view digits) {
  uint64_t value = 0;
  if (digits.empty() || digits.size() > 6) return std::nullopt;
  for (char c : digits) {
    bool is_digit = c >= '0' && c <= '9';
    char lower = static_cast<char>(c | 0x20);
    if (!is_digit && (lower < 'a' || lower > 'f')) return std::nullopt;
    value = value * 16 + static_cast<uint64_t>(is_digit ? c - '0' : lower - 'a' + 10);
  }
  return value;
}

void append_utf8(std::string& text, uint64_t point) {
  auto tail = [&](int shift) { text += static_cast<char>(0x80 | ((point >> shift) & 0x3f)); };
  if (point < 0x80) {
    text += static_cast<char>(point);
  } else if (point < 0x800) {
    text += static_cast<char>(0xc0 | (point >> 6));
    tail(0);
  } else if (point < 0x10000) {
    text += static_cast<char>(0xe0 | (point >> 12));
    tail(6);
    tail(0);
  } else {
    text += static_cast<char>(0xf0 | (point >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

// "amp" or "#x41"; false when it is none that we know.
bool append_entity(std::string& text, std::string_view name) {
  for (const auto& [known, c] : kEntities) {
    if (name != known) continue;
    text += c;
    return true;
  }
  if (!name.starts_with('#')) return false;
  name.remove_prefix(1);
  bool is_hex = name.starts_with('x');
  auto point = is_hex ? parse_hex(name.substr(1)) : parse_u64(name);
  bool is_character =
      point && *point > 0 && *point <= 0x10ffff && (*point < 0xd800 || *point > 0xdfff);
  if (is_character) append_utf8(text, *point);
  return is_character;
}

class XmlParser {
 public:
  explicit XmlParser(std::string_view text) : text_(text) {}

  Result<std::map<std::string, std::string>> parse() {
    while (at_ < text_.size()) {
      if (text_[at_] == '<') {
        TRY(take_markup());
      } else {
        TRY(take_text());
      }
    }
    if (!open_.empty()) return bad("ends inside an element");
    if (elements_ == 0) return bad("has no element");
    return std::move(found_);
  }

 private:
  struct Open {
    std::string name;
    std::string path;
    std::string text;
  };

  Status take_markup() {
    if (rest().starts_with("<?")) return skip_past("?>");
    if (rest().starts_with("<!--")) return skip_past("-->");
    if (rest().starts_with("<![CDATA[")) return take_cdata();
    if (rest().starts_with("<!")) return bad("has a document type");
    size_t end = end_of_tag();
    if (end == std::string_view::npos) return bad("has a tag without end");
    std::string_view tag = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    if (tag.starts_with('/')) return close(trim(tag.substr(1)));
    bool is_empty = tag.ends_with('/');
    if (is_empty) tag.remove_suffix(1);
    TRY(open(tag.substr(0, tag.find_first_of(" \t\r\n"))));
    return is_empty ? close(open_.back().name) : Status();
  }

  // A '>' may stand in the value of an attribute.
  size_t end_of_tag() const {
    char quote = '\0';
    for (size_t i = at_ + 1; i < text_.size(); ++i) {
      char c = text_[i];
      if (quote != '\0') {
        if (c == quote) quote = '\0';
      } else if (c == '"' || c == '\'') {
        quote = c;
      } else if (c == '>') {
        return i;
      }
    }
    return std::string_view::npos;
  }

  Status open(std::string_view name) {
    bool is_good = !name.empty() && name.find_first_of("<>&\"'/=") == std::string_view::npos;
    if (!is_good) return bad("has a tag without a name");
    if (open_.empty() && elements_ > 0) return bad("has a second root");
    if (open_.size() >= kXmlDepthMax) return bad("is nested too deep");
    if (++elements_ > kXmlElementsMax) return bad("has too many elements");
    std::string path = open_.empty() ? "" : open_.back().path + "/";
    open_.push_back({std::string(name), path + std::string(name), ""});
    return {};
  }

  Status close(std::string_view name) {
    if (open_.empty() || open_.back().name != name) return bad("closes what is not open");
    found_.emplace(open_.back().path, trim(open_.back().text));
    open_.pop_back();
    return {};
  }

  Status take_text() {
    size_t end = std::min(text_.find_first_of("<&", at_), text_.size());
    TRY(append(text_.substr(at_, end - at_)));
    at_ = end;
    if (at_ == text_.size() || text_[at_] == '<') return {};
    std::string_view entity = rest().substr(1, kEntityMax);
    size_t semicolon = entity.find(';');
    if (semicolon == std::string_view::npos) return bad("has a '&' without ';'");
    std::string character;
    if (!append_entity(character, entity.substr(0, semicolon))) return bad("has an unknown entity");
    TRY(append(character));
    at_ += semicolon + 2;
    return {};
  }

  Status take_cdata() {
    size_t begin = at_ + std::string_view("<![CDATA[").size();
    size_t end = text_.find("]]>", begin);
    if (end == std::string_view::npos) return bad("ends inside CDATA");
    TRY(append(text_.substr(begin, end - begin)));
    at_ = end + 3;
    return {};
  }

  Status append(std::string_view text) {
    if (!open_.empty()) {
      open_.back().text += text;
    } else if (!trim(text).empty()) {
      return bad("has text outside its root");
    }
    return {};
  }

  Status skip_past(std::string_view end) {
    size_t found = text_.find(end, at_);
    if (found == std::string_view::npos) return bad("ends inside a comment or instruction");
    at_ = found + end.size();
    return {};
  }

  std::string_view rest() const { return text_.substr(at_); }
  tl::unexpected<Error> bad(std::string_view what) const {
    return fail(Errc::kInvalid, "the XML {}, at byte {}", what, at_);
  }

  std::string_view text_;
  size_t at_ = 0;
  size_t elements_ = 0;
  std::vector<Open> open_;
  std::map<std::string, std::string> found_;
};

}  // namespace

Result<std::map<std::string, std::string>> parse_xml(std::string_view text) {
  if (text.size() > kXmlTextMax) {
    return fail(Errc::kInvalid, "the XML is longer than {} bytes", kXmlTextMax);
  }
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  return XmlParser(text).parse();
}

}  // namespace berth::aws
