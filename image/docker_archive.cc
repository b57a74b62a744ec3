#include "image/docker_archive.h"

#include "base/json.h"
#include "image/digest.h"
#include "image/manifest.h"
#include "image/media_types.h"
#include "sys/file.h"

#include <fcntl.h>
#include <nlohmann/json.hpp>

#include <map>
#include <utility>

namespace berth::image {
namespace {

// Turns files into blobs of a layout. Images share layers: a file is read once.
class LayoutMaker {
 public:
  LayoutMaker(const ArchiveFiles& files, std::string directory)
      : files_(files), directory_(std::move(directory)) {}

  Status add_image(const SavedImage& image) {
    nlohmann::json manifest = {
        {"schemaVersion", 2}, {"mediaType", kManifestType}, {"layers", nlohmann::json::array()}};
    manifest["config"] = TRY(add_file(TRY(must_have(files_, image.config)), kConfigType));
    for (const std::string& name : image.layers) {
      manifest["layers"].push_back(TRY(add_file(TRY(must_have(files_, name)), kLayerType)));
    }
    nlohmann::json descriptor = TRY(add_bytes(manifest.dump(), kManifestType));
    if (image.repo_tags.empty()) manifests_.push_back(descriptor);
    for (const std::string& name : image.repo_tags) {
      descriptor["annotations"] = {{"org.opencontainers.image.ref.name", name},
                                   {"io.containerd.image.name", name}};
      manifests_.push_back(descriptor);
    }
    return {};
  }

  Status write_index() {
    nlohmann::json index = {{"schemaVersion", 2}, {"manifests", manifests_}};
    return sys::write_replace(directory_ + "/index.json", index.dump(), 0600);
  }

 private:
  std::string blob_path(const std::string& digest) const {
    return directory_ + "/blobs/sha256/" + std::string(hex_of(digest));
  }

  Result<nlohmann::json> add_file(const std::string& file, const char* media_type) {
    std::string& digest = digests_[file];
    if (digest.empty()) digest = TRY(digest_of_file(file));
    std::string blob = blob_path(digest);
    // A second link: one file may be a layer twice, or have two names.
    if (!sys::exists(blob)) TRY(sys::hard_link(file, blob));
    auto size = TRY(sys::stat(blob)).st_size;
    return nlohmann::json{{"mediaType", media_type}, {"digest", digest}, {"size", size}};
  }

  Result<nlohmann::json> add_bytes(const std::string& bytes, const char* media_type) {
    std::string digest = digest_of(bytes);
    TRY(sys::write_replace(blob_path(digest), bytes, 0600));
    return nlohmann::json{{"mediaType", media_type}, {"digest", digest}, {"size", bytes.size()}};
  }

  const ArchiveFiles& files_;
  std::string directory_;
  std::map<std::string, std::string> digests_;  // by file
  nlohmann::json manifests_ = nlohmann::json::array();
};

}  // namespace

Result<std::vector<SavedImage>> parse_saved_images(std::string_view text) {
  auto document =
      TRY(json::Document::parse(text, {.name = "manifest.json", .text_max = kManifestMax}));
  auto nodes = TRY(document.root().as_array());
  if (nodes.size() > kSavedImagesMax) {
    return fail(Errc::kInvalid, "manifest.json: {} images, more than {}", nodes.size(),
                kSavedImagesMax);
  }
  std::vector<SavedImage> images;
  for (const json::Node& node : nodes) {
    SavedImage image;
    image.config = TRY(node.string_at("Config"));
    image.repo_tags = TRY(node.find_strings("RepoTags"));
    image.layers = TRY(node.find_strings("Layers"));
    if (image.layers.size() > kLayersMax) {
      return fail(Errc::kUnsupported, "manifest.json: {}.Layers: {} layers, more than {}",
                  node.path(), image.layers.size(), kLayersMax);
    }
    images.push_back(std::move(image));
  }
  return images;
}

Status layout_of_docker_archive(const ArchiveFiles& files, const std::string& directory) {
  std::string list = TRY(sys::read_file(TRY(must_have(files, "manifest.json")), kManifestMax));
  TRY(sys::make_directories(directory + "/blobs/sha256", 0700));
  LayoutMaker maker(files, directory);
  for (const SavedImage& image : TRY(parse_saved_images(list))) TRY(maker.add_image(image));
  return maker.write_index();
}

}  // namespace berth::image
