#include "aws/config_file.h"

#include "base/text.h"

namespace berth::aws {
namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

// Without what follows white space and '#' or ';'.
std::string_view without_comment(std::string_view text) {
  for (size_t i = 1; i < text.size(); ++i) {
    if ((text[i] == '#' || text[i] == ';') && is_blank(text[i - 1])) return trim(text.substr(0, i));
  }
  return trim(text);
}

std::string unquoted(std::string_view text) {
  bool is_quoted = text.size() >= 2 && (text.front() == '"' || text.front() == '\'') &&
                   text.back() == text.front();
  return std::string(is_quoted ? text.substr(1, text.size() - 2) : text);
}

class Parser {
 public:
  Parser(std::string name, FileKind kind) : name_(std::move(name)), kind_(kind) {}

  Result<ConfigFile> parse(std::string_view text) {
    for (const std::string& line : split(text, '\n')) {
      ++number_;
      TRY(take(line));
    }
    return std::move(file_);
  }

 private:
  Status take(std::string_view line) {
    std::string_view content = trim(line);
    if (content.empty() || content.front() == '#' || content.front() == ';') return {};
    if (content.find('\0') != std::string_view::npos) return bad("has a NUL byte");
    if (is_blank(line.front())) return take_indented(content);
    if (content.front() == '[') return take_header(content);
    return take_property(content);
  }

  Status take_header(std::string_view content) {
    size_t end = content.find(']');
    std::string_view rest = end == std::string_view::npos ? "" : trim(content.substr(end + 1));
    bool is_good =
        end != std::string_view::npos && (rest.empty() || rest[0] == '#' || rest[0] == ';');
    if (!is_good) return bad("is not a section header [NAME]");
    std::string_view title = trim(content.substr(1, end - 1));
    size_t blank = title.find_first_of(" \t");
    std::string kind(title.substr(0, blank));
    std::string named = unquoted(trim(title.substr(std::min(title.size(), kind.size()))));
    is_in_section_ = true;
    property_.clear();
    section_ = nullptr;
    if (kind_ == FileKind::kCredentials) {
      section_ = &file_.profiles[unquoted(title)];
    } else if (title == "default") {
      section_ = &file_.profiles["default"];
    } else if (kind == "profile" && !named.empty()) {
      section_ = &file_.profiles[named];
    } else if (kind == "services" && !named.empty()) {
      section_ = &file_.services[named];
    } else if (kind == "sso-session" && !named.empty()) {
      section_ = &file_.sso_sessions[named];
    }
    return {};
  }

  Status take_property(std::string_view content) {
    if (!is_in_section_) return bad("stands before the first section");
    size_t equals = content.find('=');
    std::string key = to_lower(trim(content.substr(0, equals)));
    if (equals == std::string_view::npos || key.empty()) {
      return bad("is neither [SECTION] nor NAME = VALUE");
    }
    property_ = key;
    if (section_ == nullptr) return {};
    section_->values[key] = without_comment(content.substr(equals + 1));
    return {};
  }

  // Below an empty value a member of it, else more of the value.
  Status take_indented(std::string_view content) {
    if (!is_in_section_ || property_.empty()) return bad("is indented, but continues nothing");
    if (section_ == nullptr) return {};
    std::string& value = section_->values[property_];
    if (!value.empty()) {
      value += "\n" + std::string(content);
      return {};
    }
    size_t equals = content.find('=');
    std::string key = to_lower(trim(content.substr(0, equals)));
    if (equals == std::string_view::npos || key.empty()) return bad("is not NAME = VALUE");
    section_->nested[property_][key] = without_comment(content.substr(equals + 1));
    return {};
  }

  tl::unexpected<Error> bad(std::string_view what) const {
    return fail(Errc::kInvalid, "{}: line {} {}", name_, number_, what);
  }

  std::string name_;
  FileKind kind_;
  ConfigFile file_;
  int number_ = 0;
  bool is_in_section_ = false;
  Section* section_ = nullptr;  // nothing: of a kind that we skip
  std::string property_;        // the last one, which indented lines continue
};

}  // namespace

Result<ConfigFile> parse_config_file(std::string_view text, const std::string& name,
                                     FileKind kind) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);  // editors of Windows
  return Parser(name, kind).parse(text);
}

}  // namespace berth::aws
