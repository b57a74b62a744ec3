// The output of `docker save`: manifest.json says which config and which plain layers make up an
// image, and what it is called.
#pragma once

#include "base/result.h"
#include "image/archive_files.h"

#include <string>
#include <string_view>
#include <vector>

namespace berth::image {

constexpr size_t kSavedImagesMax = 1000;

struct SavedImage {
  std::string config;                  // names of files in the archive
  std::vector<std::string> repo_tags;  // "busybox:1"; may be empty
  std::vector<std::string> layers;     // bottom first
};

// manifest.json. Pure. Errors: kInvalid.
Result<std::vector<SavedImage>> parse_saved_images(std::string_view text);

// Makes an OCI layout of the archive's files in `directory`, which must hold them. Its index has an
// entry for each name of an image, or one for an image without names.
Status layout_of_docker_archive(const ArchiveFiles& files, const std::string& directory);

}  // namespace berth::image
