// `berth save`: images of the store as an archive, or a directory, that other tools read.
//
//   oci-archive, oci-dir   an OCI layout: every blob and manifest as it came, so that digests stay
//     oci-layout, index.json   one entry for each name: the whole name, and the tag
//     blobs/sha256/<hex>
//   docker-archive         what `docker save` writes: plain layers, so that the digest does not
//   stay
//     manifest.json            one entry for each image, with its names
//     <hex>.json               its config
//     <diff-id hex>.tar        a layer
//
// The same images give the same bytes: no times, no owners, a fixed order.
#pragma once

#include "base/result.h"
#include "image/store.h"

#include <cstdint>
#include <string>
#include <vector>

namespace berth::image {

enum class ArchiveFormat { kOciArchive, kDockerArchive, kOciDirectory };

// One file of an archive: bytes, or a file of the store.
struct ArchiveEntry {
  std::string name;
  std::string bytes;
  std::string file;   // empty: `bytes`
  uint64_t size = 0;  // of either
};

// What to write for these images, in this order. `scratch` takes what has to be inflated. The
// caller holds Store::lock_for_pull(). Errors: kNotFound when the store lacks a blob.
Result<std::vector<ArchiveEntry>> plan_archive(Store& store, const std::vector<ImageRecord>& images,
                                               ArchiveFormat format, const std::string& scratch);

// Writes the entries as a tar. `fd` is borrowed.
Status write_tar(int fd, const std::vector<ArchiveEntry>& entries);
// Writes the entries into a directory, which is made, or must be empty; synced at the end.
Status write_directory(const std::string& directory, const std::vector<ArchiveEntry>& entries);

}  // namespace berth::image
