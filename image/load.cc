#include "image/load.h"

#include "base/text.h"
#include "image/digest.h"
#include "image/layout.h"
#include "sys/file.h"

#include <fcntl.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace berth::image {
namespace {

constexpr size_t kShownTag = 200;

// "team/app:1" and "app:1" say what the image is called, "1" only which of its tags it is.
bool is_whole_name(const std::string& name) {
  return name.find_first_of(":/") != std::string::npos;
}

const std::string& name_of(const Descriptor& descriptor) {
  return descriptor.image_name.empty() ? descriptor.ref_name : descriptor.image_name;
}

Result<Reference> parse_name(const std::string& text) {
  Reference reference = TRY(Reference::parse(text));
  if (reference.transport == Transport::kRegistry && reference.digest.empty()) return reference;
  return fail(Errc::kInvalid, "the name \"{}\" is not of the form NAME[:TAG]",
              printable(text, kShownTag));
}

bool has_tag(const std::string& name) {
  size_t colon = name.rfind(':');
  return colon != std::string::npos && name.find('/', colon) == std::string::npos;
}

Result<Reference> choose_name(const Descriptor& descriptor, const std::string& given,
                              bool is_only_one) {
  const std::string& own = name_of(descriptor);
  bool is_given = !given.empty() && (is_only_one || !is_whole_name(own));
  if (!is_given && is_whole_name(own)) return parse_name(own);
  if (given.empty()) {
    return fail(Errc::kInvalid, "image {} has {} in the archive: give it a name with --name",
                descriptor.digest,
                own.empty() ? "no name" : "the tag \"" + printable(own, kShownTag) + "\" only");
  }
  bool adds_tag = !own.empty() && !is_whole_name(own) && !has_tag(given);
  return parse_name(adds_tag ? given + ":" + own : given);
}

// A layer that was there already was not fetched, but what we load must be whole: others may want
// its blob.
Status keep_blob(Store& store, const std::string& directory, const Descriptor& blob) {
  if (store.has_blob(blob.digest)) return {};
  Scratch scratch = TRY(store.make_scratch());
  std::string file = scratch.path() + "/blob";
  sys::Fd fd = TRY(sys::create(file, O_WRONLY | O_EXCL, 0600));
  Sha256 hash;
  LayoutSource source(directory, blob);
  TRY(source.blob(blob, [&](std::string_view bytes) -> Status {
    hash.update(bytes);
    return sys::write_all(fd.get(), bytes);
  }));
  std::string found = hash.finish();
  if (found != blob.digest) {
    return fail(Errc::kCorrupt, "blob {}: the bytes have digest {}", blob.digest, found);
  }
  return store.commit_blob(file, blob.digest);
}

Status keep_blobs(Store& store, const std::string& directory, const Image& image) {
  auto parsed = TRY(parse_manifest(TRY(store.read_blob(image.manifest_digest)), ""));
  const auto* manifest = std::get_if<Manifest>(&parsed);
  if (manifest == nullptr) return {};
  for (const Descriptor& layer : manifest->layers) TRY(keep_blob(store, directory, layer));
  return {};
}

Result<std::vector<Image>> load_layout(Store& store, const PullerConfig& config, Env env,
                                       const LoadRequest& request, const std::string& directory) {
  Puller puller(store, config, env);
  std::vector<Image> images;
  Index index = TRY(read_layout_index(directory));
  for (const NamedEntry& entry : TRY(name_entries(index, request.name))) {
    LayoutSource source(directory, entry.descriptor);
    auto image = puller.take_in(source, {.reference = entry.reference,
                                         .platform = request.platform,
                                         .policy = Policy::kAlways,
                                         .progress = request.progress,
                                         .cancel = request.cancel});
    if (!image) return wrap(std::move(image).error(), "{}", entry.reference.to_string());
    TRY(keep_blobs(store, directory, *image));
    images.push_back(std::move(*image));
  }
  return images;
}

Result<std::vector<Image>> load(Store& store, const PullerConfig& config, Env env,
                                const LoadRequest& request) {
  if (request.fd < 0) return load_layout(store, config, env, request, request.source);
  Scratch scratch = TRY(store.make_scratch());
  TRY(unpack_archive(request.fd, request.source, scratch.path()));
  return load_layout(store, config, env, request, scratch.path());
}

}  // namespace

Result<std::vector<NamedEntry>> name_entries(const Index& index, const std::string& name) {
  std::vector<NamedEntry> entries;
  bool is_only_one = index.manifests.size() == 1;
  for (const Descriptor& descriptor : index.manifests) {
    entries.push_back({TRY(choose_name(descriptor, name, is_only_one)), descriptor});
    bool is_twice = std::any_of(entries.begin(), entries.end() - 1, [&](const NamedEntry& other) {
      return other.reference == entries.back().reference;
    });
    if (!is_twice) continue;
    return fail(Errc::kInvalid, "two images of the archive would both be {}",
                entries.back().reference.to_string());
  }
  if (entries.empty()) return fail(Errc::kInvalid, "the archive has no images");
  return entries;
}

Result<std::vector<Image>> load_images(Store& store, const PullerConfig& config, Env env,
                                       const LoadRequest& request) {
  auto images = load(store, config, env, request);
  if (!images) return wrap(std::move(images).error(), "load {}", request.source);
  return images;
}

}  // namespace berth::image
