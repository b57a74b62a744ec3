#include "api/tags.h"

#include "base/text.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>

namespace berth::api {
namespace {

constexpr size_t kTagKeyMax = 128;    // characters
constexpr size_t kTagValueMax = 256;  // likewise
constexpr std::string_view kReserved = "aws:";

// Letters, digits and spaces of any script, and "_.:/=+-@". Beyond ASCII all is taken: the classes
// of Unicode are not worth their tables here.
bool is_tag_text(std::string_view text) {
  constexpr std::string_view kOthers = " _.:/=+-@";
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           static_cast<unsigned char>(c) >= 0x80 || kOthers.find(c) != std::string_view::npos;
  });
}

// Of the tag that stands at `path`.
void check_tag(Ask& ask, const std::string& path, const scheduler::KeyValue& tag,
               const TagMembers& members) {
  bool is_text = is_tag_text(tag.name) && is_tag_text(tag.value);
  if (!is_text && !members.bad_characters.empty()) {
    ask.invalid(std::string(members.bad_characters));
  }
  size_t key = characters_of(tag.name);
  if (key == 0 || key > kTagKeyMax || !is_tag_text(tag.name)) {
    ask.invalid(
        fmt::format("{}.{}: a tag's key has 1 to {} characters out of letters, digits, "
                    "spaces and _.:/=+-@",
                    path, members.key, kTagKeyMax));
  }
  if (characters_of(tag.value) > kTagValueMax || !is_tag_text(tag.value)) {
    ask.invalid(
        fmt::format("{}.{}: a tag's value has at most {} characters out of letters, "
                    "digits, spaces and _.:/=+-@",
                    path, members.value, kTagValueMax));
  }
  if (to_lower(tag.name).starts_with(kReserved)) {
    ask.invalid(fmt::format("{}.{}: keys that begin with aws: are reserved", path, members.key));
  }
}

}  // namespace

Tags read_tag_list(Ask& ask, std::string_view key, const TagMembers& members) {
  Tags tags;
  std::set<std::string> keys;
  for (const json::Node& node : ask.objects(key, kTagsMax)) {
    scheduler::KeyValue tag{.name = ask.text(node, members.key),
                            .value = ask.text(node, members.value)};
    check_tag(ask, node.path(), tag, members);
    if (!keys.insert(tag.name).second) {
      ask.invalid(fmt::format("{}.{}: '{}' is there twice", node.path(), members.key, tag.name));
    }
    tags.push_back(std::move(tag));
  }
  return tags;
}

std::map<std::string, std::string> read_tag_map(Ask& ask, std::string_view key) {
  std::map<std::string, std::string> tags;
  for (auto& [name, value] : ask.text_map(key)) {
    check_tag(ask, std::string(key), {.name = name, .value = value}, {});
    tags[name] = std::move(value);
  }
  if (tags.size() > kTagsMax) {
    ask.invalid(fmt::format("{} can have at most {} items.", key, kTagsMax));
  }
  return tags;
}

void add_tags(Ask& ask, Tags& tags, Tags added) {
  for (scheduler::KeyValue& tag : added) {
    std::erase_if(tags, [&](const scheduler::KeyValue& each) { return each.name == tag.name; });
    tags.push_back(std::move(tag));
  }
  if (tags.size() > kTagsMax) {
    ask.invalid(fmt::format("A resource can have at most {} tags.", kTagsMax));
  }
}

void remove_tags(Tags& tags, const std::vector<std::string>& keys) {
  std::erase_if(tags, [&](const scheduler::KeyValue& each) {
    return std::find(keys.begin(), keys.end(), each.name) != keys.end();
  });
}

}  // namespace berth::api
