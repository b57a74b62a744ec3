#include "secrets/secret_file.h"

#include "aws/hash.h"
#include "base/json.h"
#include "base/text.h"

#include <nlohmann/json.hpp>

namespace berth::secrets {
namespace {

using FileJson = nlohmann::ordered_json;

constexpr int kSecretFileVersion = 2;
constexpr size_t kSuffixLetters = 6;

std::optional<std::string> from_hex(std::string_view text) {
  auto digit = [](char c) -> int {
    if (c >= '0' && c <= '9') return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
  };
  if (text.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  for (size_t i = 0; i < text.size(); i += 2) {
    int high = digit(text[i]);
    int low = digit(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes += static_cast<char>(high * 16 + low);
  }
  return bytes;
}

FileJson version_json(const SecretVersion& version) {
  FileJson json = {{"id", version.id}};
  if (version.number != 0) json["number"] = version.number;
  json["stages"] = version.stages;
  json["createdAt"] = version.created_at;
  if (!version.attributes.empty()) json["attributes"] = version.attributes;
  json["sealed"] = to_hex(version.sealed);
  return json;
}

Result<std::map<std::string, std::string>> read_map(const json::Node& node, std::string_view key) {
  std::map<std::string, std::string> map;
  auto member = node.find(key);
  if (!member) return map;
  for (auto& [name, value] : TRY(member->as_string_map())) map[name] = std::move(value);
  return map;
}

Result<SecretVersion> read_version(const json::Node& node) {
  SecretVersion version;
  version.id = TRY(node.string_at("id"));
  version.number = TRY(node.find_u64("number")).value_or(0);
  version.stages = TRY(node.find_strings("stages"));
  std::string stage = TRY(node.find_string("stage")).value_or("");
  if (!stage.empty()) version.stages.push_back(stage);
  version.created_at = TRY(node.string_at("createdAt"));
  version.attributes = TRY(read_map(node, "attributes"));
  auto sealed = from_hex(TRY(node.string_at("sealed")));
  if (!sealed) return fail(Errc::kCorrupt, "{}.sealed: is not hexadecimal", node.path());
  version.sealed = std::move(*sealed);
  return version;
}

// Of version 1: times are those of its versions, the suffix follows from the name.
void complete(StoredSecret& secret) {
  if (secret.suffix.empty()) {
    secret.suffix = aws::sha256_hex(secret.name.name).substr(0, kSuffixLetters);
  }
  if (secret.versions.empty()) return;
  if (secret.created_at.empty()) secret.created_at = secret.versions.back().created_at;
  if (secret.changed_at.empty()) secret.changed_at = secret.versions.front().created_at;
  if (secret.name.kind == SecretKind::kSecret) return;
  for (size_t i = 0; i < secret.versions.size(); ++i) {
    SecretVersion& version = secret.versions[i];
    if (version.number != 0) continue;
    version.number = secret.versions.size() - i;
    version.stages.clear();  // the newest is the current one; labels are another thing
  }
}

}  // namespace

std::string render_secret_file(const StoredSecret& secret) {
  FileJson json = {{"version", kSecretFileVersion},  {"kind", name_of(secret.name.kind)},
                   {"name", secret.name.name},       {"suffix", secret.suffix},
                   {"createdAt", secret.created_at}, {"changedAt", secret.changed_at}};
  if (!secret.deleted_at.empty()) json["deletedAt"] = secret.deleted_at;
  if (!secret.purged_at.empty()) json["purgedAt"] = secret.purged_at;
  if (!secret.attributes.empty()) json["attributes"] = secret.attributes;
  if (!secret.tags.empty()) json["tags"] = secret.tags;
  FileJson versions = FileJson::array();
  for (const SecretVersion& version : secret.versions) versions.push_back(version_json(version));
  json["versions"] = std::move(versions);
  return json.dump(1, ' ', false, FileJson::error_handler_t::replace) + "\n";
}

Result<StoredSecret> parse_secret_file(std::string_view text, const std::string& path) {
  auto document = TRY(json::Document::parse(text, {.name = path, .text_max = kSecretFileMax}));
  json::Node root = document.root();
  int64_t version = TRY(root.i64_at("version"));
  if (version < 1 || version > kSecretFileVersion) {
    return fail(Errc::kUnsupported, "{}: version {}, this berth reads {}", path, version,
                kSecretFileVersion);
  }
  StoredSecret secret;
  std::string kind = TRY(root.string_at("kind"));
  secret.name.kind =
      kind == name_of(SecretKind::kSecret) ? SecretKind::kSecret : SecretKind::kParameter;
  secret.name.name = TRY(root.string_at("name"));
  secret.suffix = TRY(root.find_string("suffix")).value_or("");
  secret.created_at = TRY(root.find_string("createdAt")).value_or("");
  secret.changed_at = TRY(root.find_string("changedAt")).value_or("");
  secret.deleted_at = TRY(root.find_string("deletedAt")).value_or("");
  secret.purged_at = TRY(root.find_string("purgedAt")).value_or("");
  secret.attributes = TRY(read_map(root, "attributes"));
  secret.tags = TRY(read_map(root, "tags"));
  for (const json::Node& each : TRY(root.find_array("versions"))) {
    secret.versions.push_back(TRY(read_version(each)));
  }
  complete(secret);
  return secret;
}

}  // namespace berth::secrets
