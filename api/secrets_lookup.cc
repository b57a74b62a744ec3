// Secrets by name, by ARN and by filters, and how they look in answers.
#include "api/secrets_operations.h"
#include "aws/time.h"
#include "base/text.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace berth::api::sm {
namespace {

constexpr const char* kNoSecret = "Secrets Manager can't find the specified secret.";
constexpr size_t kSecretIdMax = 2048;
constexpr size_t kSuffixLetters = 6;
constexpr size_t kFiltersMax = 10;

bool has_suffix(const std::string& name) {
  if (name.size() <= kSuffixLetters + 1 || name[name.size() - kSuffixLetters - 1] != '-') {
    return false;
  }
  return std::all_of(name.end() - kSuffixLetters, name.end(),
                     [](unsigned char c) { return std::isalnum(c) != 0; });
}

std::vector<std::string> filtered_texts(const std::string& key,
                                        const secrets::StoredSecret& secret) {
  std::vector<std::string> texts;
  auto add_description = [&] {
    auto found = secret.attributes.find("description");
    if (found != secret.attributes.end()) texts.push_back(found->second);
  };
  bool is_all = key == "all";
  if (is_all || key == "name") texts.push_back(secret.name.name);
  if (is_all || key == "description") add_description();
  for (const auto& [name, value] : secret.tags) {
    if (is_all || key == "tag-key") texts.push_back(name);
    if (is_all || key == "tag-value") texts.push_back(value);
  }
  return texts;
}

struct OneFilter {
  std::string key;
  std::vector<std::string> values;
};

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words(1);
  for (char c : to_lower(text)) {
    // What is not ASCII is part of some letter.
    bool is_in_word = std::isalnum(static_cast<unsigned char>(c)) != 0 || (c & 0x80) != 0;
    if (is_in_word) {
      words.back() += c;
    } else if (!words.back().empty()) {
      words.emplace_back();
    }
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

// Whether each word of `wanted` begins one of the text, in upper or lower case.
bool has_words(const std::string& text, const std::string& wanted) {
  std::vector<std::string> words = words_of(text);
  return std::ranges::all_of(words_of(wanted), [&](const std::string& beginning) {
    return std::ranges::any_of(
        words, [&](const std::string& word) { return word.starts_with(beginning); });
  });
}

// Descriptions, and all texts at once, are looked through by words; names and tags begin with the
// value. A '!' before it turns it round.
bool passes(const OneFilter& filter, const secrets::StoredSecret& secret) {
  std::vector<std::string> texts = filtered_texts(filter.key, secret);
  return std::ranges::any_of(filter.values, [&](const std::string& value) {
    bool is_not = value.starts_with('!');
    std::string wanted = is_not ? value.substr(1) : value;
    bool is_so = std::ranges::any_of(texts, [&](const std::string& text) {
      bool is_by_words = filter.key == "all" || filter.key == "description";
      return is_by_words ? has_words(text, wanted) : text.starts_with(wanted);
    });
    return is_so != is_not;
  });
}

}  // namespace

std::string arn_of(const Secrets& secrets, const secrets::StoredSecret& secret) {
  return secrets.arn_prefix + secret.name.name + "-" + secret.suffix;
}

void check_name(Ask& ask, const std::string& name) {
  bool has_letters = std::ranges::all_of(name, [](unsigned char c) {
    return std::isalnum(c) != 0 || std::string_view("-/_+=.@!").find(c) != std::string_view::npos;
  });
  if (has_letters) return;
  ask.refuse("ValidationException",
             "Invalid name. Must be a valid name containing alphanumeric characters, or any of the "
             "following: -/_+=.@!");
}

std::string name_in(const Secrets& secrets, Ask& ask, const std::string& id) {
  if (ask.refused()) return "";
  if (id.size() > kSecretIdMax) {
    ask.invalid(fmt::format("SecretId: has at most {} characters.", kSecretIdMax));
    return "";
  }
  if (!id.starts_with("arn:")) {
    check_name(ask, id);
    return ask.refused() ? "" : id;
  }
  if (!id.starts_with(secrets.arn_prefix)) {
    ask.refuse("ResourceNotFoundException", kNoSecret);
    return "";
  }
  std::string name = id.substr(secrets.arn_prefix.size());
  auto exact = secrets.store.find({secrets::SecretKind::kSecret, name}, secrets.now);
  if ((exact && *exact) || !has_suffix(name)) return name;
  std::string shorter = name.substr(0, name.size() - kSuffixLetters - 1);
  auto found =
      ask.checked(secrets.store.find({secrets::SecretKind::kSecret, shorter}, secrets.now));
  // One of before that was deleted had another suffix.
  bool is_it = found && arn_of(secrets, *found) == id;
  return is_it ? shorter : name;
}

std::optional<secrets::StoredSecret> find_secret(const Secrets& secrets, Ask& ask,
                                                 const std::string& id) {
  std::string name = name_in(secrets, ask, id);
  if (ask.refused()) return std::nullopt;
  auto secret = ask.checked(secrets.store.find({secrets::SecretKind::kSecret, name}, secrets.now));
  if (!secret) ask.refuse("ResourceNotFoundException", kNoSecret);
  return ask.refused() ? std::nullopt : secret;
}

void refuse_marked(Ask& ask) {
  ask.refuse("InvalidRequestException",
             "You can't perform this operation on the secret because it was marked for deletion.");
}

std::optional<secrets::StoredSecret> change_secret(Secrets& secrets, Ask& ask, Marked marked,
                                                   const SecretChange& change) {
  std::string name = name_in(secrets, ask, ask.required_text("SecretId"));
  if (ask.refused()) return std::nullopt;
  std::optional<secrets::StoredSecret> changed;
  auto done =
      secrets.store.change({secrets::SecretKind::kSecret, name}, secrets.env,
                           [&](std::optional<secrets::StoredSecret>& secret) -> Status {
                             if (!secret) ask.refuse("ResourceNotFoundException", kNoSecret);
                             if (secret && secret->is_deleted() && marked == Marked::kRefused)
                               refuse_marked(ask);
                             if (!ask.refused()) change(*secret);
                             if (ask.refused())
                               return fail(Errc::kInvalid, "{}", ask.refusal().message);
                             changed = secret;
                             return {};
                           });
  if (!ask.refused() && !done && done.error().code == Errc::kInvalid) {
    ask.refuse("ResourceNotFoundException", kNoSecret);  // a name that none can have
  }
  if (!ask.refused()) ask.check(done);
  return ask.refused() ? std::nullopt : changed;
}

Json secret_json(const Secrets& secrets, const secrets::StoredSecret& secret) {
  return {{"ARN", arn_of(secrets, secret)}, {"Name", secret.name.name}};
}

double seconds_of(const std::string& rfc3339) {
  auto time = aws::parse_rfc3339(rfc3339);
  if (!time) return 0;
  auto since = time->time_since_epoch();
  return static_cast<double>(std::chrono::duration_cast<std::chrono::milliseconds>(since).count()) /
         1000;
}

void add_accessed(Json& json, const std::map<std::string, std::string>& attributes) {
  auto day = attributes.find(secrets::kAccessedDay);
  if (day != attributes.end()) json["LastAccessedDate"] = seconds_of(day->second + "T00:00:00Z");
}

Json value_json(const Secrets& secrets, Ask& ask, const secrets::StoredSecret& secret,
                const secrets::SecretVersion& version) {
  Secret value = ask.checked(secrets.store.open(secret.name, version));
  // A disk that is full is no reason to keep the value back.
  if (!ask.refused()) static_cast<void>(secrets.store.note_access(secret, version, secrets.now));
  Json json = secret_json(secrets, secret);
  json["VersionId"] = version.id;
  bool is_binary = version.attributes.contains("binary");  // its bytes in base64
  json[is_binary ? "SecretBinary" : "SecretString"] = value.reveal();
  json["VersionStages"] = version.stages;
  json["CreatedDate"] = seconds_of(version.created_at);
  return json;
}

SecretFilter read_filters(Ask& ask) {
  std::vector<OneFilter> filters;
  for (const json::Node& node : ask.objects("Filters", kFiltersMax)) {
    OneFilter filter;
    filter.key = ask.word(
        node, "Key",
        {"description", "name", "tag-key", "tag-value", "primary-region", "owning-service", "all"});
    filter.values = ask.texts(node, "Values", kFiltersMax);
    if (filter.key.empty() || filter.values.empty()) {
      ask.invalid(node.path() + ": a filter has a Key and Values.");
    }
    filters.push_back(std::move(filter));
  }
  return [filters](const secrets::StoredSecret& secret) {
    return std::ranges::all_of(filters,
                               [&](const OneFilter& filter) { return passes(filter, secret); });
  };
}

}  // namespace berth::api::sm
