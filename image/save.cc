#include "image/save.h"

#include "base/text.h"
#include "image/content.h"
#include "image/digest.h"
#include "image/media_types.h"
#include "image/reference.h"
#include "image/stream.h"
#include "image/tar_writer.h"
#include "sys/file.h"

#include <fcntl.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace berth::image {
namespace {

// The name as a tag of a repository; nothing for "oci:DIR" and for names by digest.
std::optional<Reference> tagged_name(const ImageRecord& image) {
  auto reference = Reference::parse(image.reference);
  bool is_tagged = reference && reference->transport == Transport::kRegistry &&
                   reference->digest.empty() && !reference->tag.empty();
  return is_tagged ? std::optional(*reference) : std::nullopt;
}

tl::unexpected<Error> missing_blob(const ImageRecord& image, const std::string& digest) {
  return fail(Errc::kNotFound,
              "image {}: blob {} is not in the store (its layer was unpacked from another image's "
              "blob); remove the image and pull it again",
              image.reference, digest);
}

// Entries by name, each once.
class Entries {
 public:
  void add_bytes(std::string name, std::string bytes) {
    if (!names_.insert(name).second) return;
    uint64_t size = bytes.size();
    entries_.push_back({std::move(name), std::move(bytes), "", size});
  }
  Status add_file(std::string name, std::string file) {
    if (!names_.insert(name).second) return {};
    auto size = static_cast<uint64_t>(TRY(sys::stat(file)).st_size);
    entries_.push_back({std::move(name), "", std::move(file), size});
    return {};
  }
  bool has(const std::string& name) const { return names_.contains(name); }
  std::vector<ArchiveEntry> take() { return std::move(entries_); }

 private:
  std::set<std::string> names_;
  std::vector<ArchiveEntry> entries_;
};

// An entry of index.json. Tags tell the entries apart for tools that know nothing but tags: where
// two images share one, it is the whole name that does.
nlohmann::json index_entry(const Descriptor& top, const ImageRecord& image,
                           const std::map<std::string, int>& tag_uses) {
  nlohmann::json entry = {
      {"mediaType", top.media_type}, {"digest", top.digest}, {"size", top.size}};
  if (auto name = tagged_name(image)) {
    bool is_own = tag_uses.at(name->tag) == 1;
    entry["annotations"] = {
        {"io.containerd.image.name", image.reference},
        {"org.opencontainers.image.ref.name", is_own ? name->tag : image.reference}};
  }
  return entry;
}

std::string blob_name(const std::string& digest) {
  return "blobs/sha256/" + std::string(hex_of(digest));
}

Result<std::vector<ArchiveEntry>> plan_layout(Store& store,
                                              const std::vector<ImageRecord>& images) {
  std::map<std::string, int> tag_uses;
  for (const ImageRecord& image : images) {
    if (auto name = tagged_name(image)) ++tag_uses[name->tag];
  }
  Entries entries;
  entries.add_bytes("oci-layout", R"({"imageLayoutVersion":"1.0.0"})");
  nlohmann::json manifests = nlohmann::json::array();
  for (const ImageRecord& image : images) {
    TRY(restore_layer_blobs(store, image));
    Content content = TRY(content_of(store, image));
    for (const Descriptor& blob : content.blobs) {
      if (!store.has_blob(blob.digest)) return missing_blob(image, blob.digest);
      TRY(entries.add_file(blob_name(blob.digest), store.blob_path(blob.digest)));
    }
    for (const ManifestContent& manifest : content.manifests) {
      entries.add_bytes(blob_name(manifest.descriptor.digest), manifest.bytes);
    }
    manifests.push_back(index_entry(content.top().descriptor, image, tag_uses));
  }
  nlohmann::json index = {
      {"schemaVersion", 2}, {"mediaType", kIndexType}, {"manifests", manifests}};
  entries.add_bytes("index.json", index.dump());
  return entries.take();
}

// The image's plain layers as files of the archive; gives their names, bottom first.
Result<std::vector<std::string>> add_plain_layers(const Store& store, const ImageRecord& image,
                                                  const std::string& scratch, Entries& entries) {
  std::string config = TRY(store.read_blob(image.config_digest));
  std::vector<std::string> names;
  for (const std::string& diff_id : TRY(parse_config(config, image.layers.size())).diff_ids) {
    std::string name = std::string(hex_of(diff_id)) + ".tar";
    names.push_back(name);
    if (entries.has(name)) continue;
    auto blob = TRY(find_layer_blob(store, diff_id));
    if (!blob) return missing_blob(image, diff_id);
    std::string file = store.blob_path(*blob);
    if (*blob != diff_id) {
      file = scratch + "/" + name;
      TRY(inflate_blob(store, *blob, diff_id, file));
    }
    TRY(entries.add_file(name, file));
  }
  return names;
}

Result<std::vector<ArchiveEntry>> plan_docker_archive(const Store& store,
                                                      const std::vector<ImageRecord>& images,
                                                      const std::string& scratch) {
  Entries entries;
  nlohmann::json list = nlohmann::json::array();
  std::map<std::string, size_t> known;  // config -> its place in the list
  for (const ImageRecord& image : images) {
    auto [place, is_new] = known.emplace(image.config_digest, list.size());
    if (is_new) {
      std::string name = std::string(hex_of(image.config_digest)) + ".json";
      entries.add_bytes(name, TRY(store.read_blob(image.config_digest)));
      auto layers = TRY(add_plain_layers(store, image, scratch, entries));
      list.push_back({{"Config", name}, {"RepoTags", nlohmann::json::array()}, {"Layers", layers}});
    }
    if (tagged_name(image)) list[place->second]["RepoTags"].push_back(image.reference);
  }
  entries.add_bytes("manifest.json", list.dump());
  return entries.take();
}

// The bytes of an entry, a piece at a time.
Status feed(const ArchiveEntry& entry, const Sink& sink) {
  if (entry.file.empty()) return sink(entry.bytes);
  sys::Fd fd = TRY(sys::open(entry.file, O_RDONLY));
  std::string buffer(kReadChunk, '\0');
  while (size_t got = TRY(sys::read_some(fd.get(), buffer.data(), buffer.size()))) {
    TRY(sink({buffer.data(), got}));
  }
  return {};
}

}  // namespace

Result<std::vector<ArchiveEntry>> plan_archive(Store& store, const std::vector<ImageRecord>& images,
                                               ArchiveFormat format, const std::string& scratch) {
  switch (format) {
    case ArchiveFormat::kOciArchive:
    case ArchiveFormat::kOciDirectory:
      return plan_layout(store, images);
    case ArchiveFormat::kDockerArchive:
      return plan_docker_archive(store, images, scratch);
  }
  return fail(Errc::kInternal, "no such format");
}

Status write_tar(int fd, const std::vector<ArchiveEntry>& entries) {
  TarWriter tar(fd);
  for (const ArchiveEntry& entry : entries) {
    TRY(tar.begin(entry.name, entry.size));
    TRY(feed(entry, [&](std::string_view bytes) { return tar.write(bytes); }));
  }
  return tar.finish();
}

Status write_directory(const std::string& directory, const std::vector<ArchiveEntry>& entries) {
  TRY(sys::make_directories(directory, 0755));
  if (!TRY(sys::list_directory(directory)).empty()) {
    return fail(Errc::kExists, "{}: is not empty", directory);
  }
  TRY(sys::make_directories(directory + "/blobs/sha256", 0755));
  for (const ArchiveEntry& entry : entries) {
    sys::Fd fd = TRY(sys::create(directory + "/" + entry.name, O_WRONLY | O_EXCL, 0644));
    TRY(feed(entry, [&](std::string_view bytes) { return sys::write_all(fd.get(), bytes); }));
  }
  sys::Fd fd = TRY(sys::open(directory, O_RDONLY | O_DIRECTORY));
  return sys::sync_file_system(fd.get());
}

}  // namespace berth::image
