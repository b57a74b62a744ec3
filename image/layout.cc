#include "image/layout.h"

#include "base/text.h"
#include "image/archive_files.h"
#include "image/digest.h"
#include "image/docker_archive.h"
#include "image/reference.h"
#include "image/stream.h"
#include "sys/file.h"

#include <fcntl.h>

#include <algorithm>
#include <vector>

namespace berth::image {
namespace {

// "docker-archive:x.tar:busybox:1" names the RepoTag docker.io/library/busybox:1.
bool is_named(const Descriptor& descriptor, const std::string& wanted) {
  if (descriptor.ref_name == wanted || descriptor.image_name == wanted) return true;
  if (descriptor.image_name.empty()) return false;
  auto left = Reference::parse(descriptor.image_name);
  auto right = Reference::parse(wanted);
  return left && right && *left == *right;
}

bool is_one_image(const Index& index) {
  return !index.manifests.empty() &&
         std::ranges::all_of(index.manifests, [&](const Descriptor& each) {
           return each.digest == index.manifests.front().digest;
         });
}

}  // namespace

Result<Index> read_layout_index(const std::string& directory) {
  std::string path = directory + "/index.json";
  std::string text = TRY(sys::read_file(path, kManifestMax));
  auto parsed = parse_manifest(text, "application/vnd.oci.image.index.v1+json");
  if (!parsed) return wrap(std::move(parsed).error(), "{}", path);
  auto* index = std::get_if<Index>(&*parsed);
  if (index == nullptr) return fail(Errc::kInvalid, "{}: is not an index", path);
  return std::move(*index);
}

Result<Descriptor> LayoutSource::resolve() {
  if (chosen_) return *chosen_;
  Index index = TRY(read_layout_index(directory_));
  std::vector<std::string> tags;
  for (const Descriptor& descriptor : index.manifests) {
    if (!tag_.empty() && is_named(descriptor, tag_)) return descriptor;
    tags.push_back(descriptor.ref_name);
  }
  if (tag_.empty() && is_one_image(index)) return index.manifests.front();
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

Status unpack_archive(int fd, const std::string& name, const std::string& directory) {
  ArchiveFiles files = TRY(extract_files(fd, name, directory));
  if (!files.contains("index.json")) {
    if (files.contains("manifest.json")) return layout_of_docker_archive(files, directory);
    return fail(Errc::kInvalid,
                "{}: holds neither an OCI layout (index.json) nor the output of `docker save` "
                "(manifest.json); `berth import` takes root file systems",
                name);
  }
  TRY(sys::make_directories(directory + "/blobs/sha256", 0700));
  for (const auto& [file, path] : files) {
    bool is_blob = file.starts_with("blobs/sha256/") && std::ranges::count(file, '/') == 2;
    if (is_blob || file == "index.json") TRY(sys::hard_link(path, directory + "/" + file));
  }
  return {};
}

}  // namespace berth::image
