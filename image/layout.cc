#include "image/layout.h"

#include "base/json.h"
#include "base/text.h"
#include "image/digest.h"
#include "image/layer_tree.h"
#include "image/reference.h"
#include "sys/file.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

namespace berth::image {
namespace {

constexpr size_t kArchiveFilesMax = 10'000;
constexpr size_t kReadChunk = 512 * 1024;

struct ArchiveCloser {
  void operator()(archive* a) const { archive_read_free(a); }
};

Status write_entry(archive* a, const std::string& path) {
  sys::Fd fd = TRY(sys::create(path, O_WRONLY | O_TRUNC | O_NOFOLLOW, 0600));
  std::string buffer(kReadChunk, '\0');
  while (true) {
    la_ssize_t got = archive_read_data(a, buffer.data(), buffer.size());
    if (got < 0) return fail(Errc::kCorrupt, "{}", archive_error_string(a));
    if (got == 0) return {};
    TRY(sys::write_all(fd.get(), {buffer.data(), static_cast<size_t>(got)}));
  }
}

// Every regular file of the archive as a numbered file in `directory`; links within the archive
// are followed once. Gives clean name -> file.
Result<std::map<std::string, std::string>> extract(const std::string& file,
                                                   const std::string& directory) {
  std::unique_ptr<archive, ArchiveCloser> a(archive_read_new());
  archive_read_support_format_tar(a.get());
  archive_read_support_filter_gzip(a.get());
  if (archive_read_open_filename(a.get(), file.c_str(), kReadChunk) != ARCHIVE_OK) {
    return fail(Errc::kNotFound, "open {}: {}", file, archive_error_string(a.get()));
  }
  std::map<std::string, std::string> files;
  std::map<std::string, std::string> links;
  archive_entry* entry = nullptr;
  int status = ARCHIVE_OK;
  while ((status = archive_read_next_header(a.get(), &entry)) == ARCHIVE_OK) {
    if (files.size() + links.size() >= kArchiveFilesMax) {
      return fail(Errc::kExhausted, "{}: more than {} files", file, kArchiveFilesMax);
    }
    std::string name = TRY(clean_path(archive_entry_pathname(entry)));
    if (const char* target = archive_entry_hardlink(entry)) {
      links[name] = TRY(clean_path(target));
    } else if (const char* link = archive_entry_symlink(entry)) {
      size_t slash = name.rfind('/');
      std::string parent = slash == std::string::npos ? "" : name.substr(0, slash + 1);
      links[name] = TRY(clean_path(parent + link));
    } else if (archive_entry_filetype(entry) == AE_IFREG) {
      std::string path = fmt::format("{}/{}", directory, files.size());
      auto written = write_entry(a.get(), path);
      if (!written) return wrap(std::move(written).error(), "{}: {}", file, printable(name, 200));
      files[name] = path;
    }
  }
  if (status != ARCHIVE_EOF) {
    return fail(Errc::kCorrupt, "{}: {}", file, archive_error_string(a.get()));
  }
  for (const auto& [name, target] : links) {
    if (auto found = files.find(target); found != files.end()) files[name] = found->second;
  }
  return files;
}

Result<std::string> digest_of_file(const std::string& path) {
  sys::Fd fd = TRY(sys::open(path, O_RDONLY));
  Sha256 hash;
  std::string buffer(kReadChunk, '\0');
  while (size_t got = TRY(sys::read_some(fd.get(), buffer.data(), buffer.size()))) {
    hash.update({buffer.data(), got});
  }
  return hash.finish();
}

Result<std::string> must_have(const std::map<std::string, std::string>& files,
                              const std::string& name) {
  auto found = files.find(TRY(clean_path(name)));
  if (found != files.end()) return found->second;
  return fail(Errc::kInvalid, "the archive has no \"{}\"", printable(name, 200));
}

// Moves a file to blobs/sha256/ (a copy of the link is enough: one file may be two layers).
Result<nlohmann::json> add_blob(const std::string& file, const std::string& directory,
                                const char* media_type) {
  std::string digest = TRY(digest_of_file(file));
  std::string blob = directory + "/blobs/sha256/" + std::string(hex_of(digest));
  if (!sys::exists(blob)) TRY(sys::hard_link(file, blob));
  auto size = TRY(sys::stat(blob)).st_size;
  return nlohmann::json{{"mediaType", media_type}, {"digest", digest}, {"size", size}};
}

// "docker-archive:x.tar:busybox:1" names the RepoTag docker.io/library/busybox:1.
bool is_same_name(const std::string& repo_tag, const std::string& wanted) {
  auto left = Reference::parse(repo_tag);
  auto right = Reference::parse(wanted);
  return repo_tag == wanted || (left && right && *left == *right);
}

Result<json::Node> choose_saved(const json::Node& root, const std::string& tag) {
  auto images = TRY(root.as_array());
  std::vector<std::string> names;
  for (const json::Node& image : images) {
    for (const std::string& name : TRY(image.find_strings("RepoTags"))) {
      if (!tag.empty() && is_same_name(name, tag)) return image;
      names.push_back(name);
    }
  }
  if (tag.empty() && images.size() == 1) return images.front();
  return fail(Errc::kNotFound, "the archive has {} images ({}){}", images.size(),
              printable(join(names, ", "), 500),
              tag.empty() ? "; name one" : ", none is \"" + printable(tag, 200) + "\"");
}

}  // namespace

Result<Descriptor> LayoutSource::resolve() {
  std::string path = directory_ + "/index.json";
  std::string text = TRY(sys::read_file(path, kManifestMax));
  auto parsed = parse_manifest(text, "application/vnd.oci.image.index.v1+json");
  if (!parsed) return wrap(std::move(parsed).error(), "{}", path);
  const auto* index = std::get_if<Index>(&*parsed);
  if (index == nullptr) return fail(Errc::kInvalid, "{}: is not an index", path);
  std::vector<std::string> tags;
  for (const Descriptor& descriptor : index->manifests) {
    if (!tag_.empty() && descriptor.ref_name == tag_) return descriptor;
    tags.push_back(descriptor.ref_name);
  }
  if (tag_.empty() && index->manifests.size() == 1) return index->manifests.front();
  return fail(Errc::kNotFound, "{} has {} images (tags: {}){}", directory_, tags.size(),
              printable(join(tags, ", "), 500),
              tag_.empty() ? "; name one" : ", none is \"" + printable(tag_, 200) + "\"");
}

Result<std::string> LayoutSource::manifest(const Descriptor& descriptor) {
  std::string hex(hex_of(descriptor.digest));
  return sys::read_file(directory_ + "/blobs/sha256/" + hex, kManifestMax);
}

Status LayoutSource::blob(const Descriptor& descriptor, const Sink& sink) {
  std::string path = directory_ + "/blobs/sha256/" + std::string(hex_of(descriptor.digest));
  sys::Fd fd = TRY(sys::open(path, O_RDONLY));
  std::string buffer(kReadChunk, '\0');
  while (size_t got = TRY(sys::read_some(fd.get(), buffer.data(), buffer.size()))) {
    TRY(sink({buffer.data(), got}));
  }
  return {};
}

Status unpack_oci_archive(const std::string& file, const std::string& directory) {
  auto files = TRY(extract(file, directory));
  TRY(sys::make_directories(directory + "/blobs/sha256", 0700));
  for (const auto& [name, path] : files) {
    bool is_blob = name.starts_with("blobs/sha256/") && std::ranges::count(name, '/') == 2;
    if (is_blob || name == "index.json") TRY(sys::hard_link(path, directory + "/" + name));
  }
  return {};
}

Status convert_docker_archive(const std::string& file, const std::string& tag,
                              const std::string& directory) {
  auto files = TRY(extract(file, directory));
  TRY(sys::make_directories(directory + "/blobs/sha256", 0700));
  std::string list_file = TRY(must_have(files, "manifest.json"));
  std::string list = TRY(sys::read_file(list_file, kManifestMax));
  auto document = TRY(json::Document::parse(list, {.name = "manifest.json"}));
  json::Node saved = TRY(choose_saved(document.root(), tag));
  std::string config_name = TRY(saved.string_at("Config"));
  std::string config = TRY(must_have(files, config_name));
  nlohmann::json manifest = {{"schemaVersion", 2}, {"layers", nlohmann::json::array()}};
  manifest["config"] = TRY(add_blob(config, directory, "application/vnd.oci.image.config.v1+json"));
  for (const std::string& name : TRY(saved.find_strings("Layers"))) {
    std::string layer = TRY(must_have(files, name));
    manifest["layers"].push_back(
        TRY(add_blob(layer, directory, "application/vnd.oci.image.layer.v1.tar")));
  }
  std::string manifest_file = directory + "/manifest";
  TRY(sys::write_replace(manifest_file, manifest.dump(), 0600));
  nlohmann::json descriptor =
      TRY(add_blob(manifest_file, directory, "application/vnd.oci.image.manifest.v1+json"));
  if (!tag.empty()) descriptor["annotations"] = {{"org.opencontainers.image.ref.name", tag}};
  nlohmann::json index = {{"schemaVersion", 2}, {"manifests", {descriptor}}};
  return sys::write_replace(directory + "/index.json", index.dump(), 0600);
}

}  // namespace berth::image
