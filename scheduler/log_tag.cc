#include "scheduler/log_tag.h"

#include "base/text.h"

namespace berth::scheduler {
namespace {

constexpr size_t kShortIdSize = 12;  // Docker's

Result<std::string> value_of_markup(std::string_view word, const LogTagFields& fields) {
  if (word == ".ID") return fields.full_id.substr(0, kShortIdSize);
  if (word == ".FullID") return fields.full_id;
  if (word == ".Name") return fields.name;
  if (word == ".ImageFullID") return fields.image_full_id;
  if (word == ".ImageName") return fields.image_name;
  if (word == ".DaemonName") return std::string("berth");
  if (word == ".ImageID") {
    std::string id = fields.image_full_id;
    size_t colon = id.find(':');
    return id.substr(colon == std::string::npos ? 0 : colon + 1, kShortIdSize);
  }
  return fail(Errc::kInvalid,
              "'{}' is not one of [.ID, .FullID, .Name, .ImageID, .ImageFullID, .ImageName, "
              ".DaemonName]",
              printable(word, 60));
}

}  // namespace

Result<std::string> render_log_tag(std::string_view text, const LogTagFields& fields) {
  std::string tag;
  while (true) {
    size_t begin = text.find("{{");
    tag += text.substr(0, begin);
    if (begin == std::string_view::npos) return tag;
    size_t end = text.find("}}", begin);
    if (end == std::string_view::npos) return fail(Errc::kInvalid, "'{{{{' without '}}}}'");
    tag += TRY(value_of_markup(trim(text.substr(begin + 2, end - begin - 2)), fields));
    text.remove_prefix(end + 2);
  }
}

}  // namespace berth::scheduler
