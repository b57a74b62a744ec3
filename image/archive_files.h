// The files of an image archive: a tar, plain or compressed, of which every regular file becomes a
// numbered file of a directory of ours. No name of the archive is ever a path.
#pragma once

#include "base/result.h"

#include <map>
#include <string>

namespace berth::image {

constexpr size_t kArchiveFilesMax = 10'000;

// Clean name in the archive -> file. Links within the archive are followed once.
using ArchiveFiles = std::map<std::string, std::string>;

// `fd` is borrowed and read to its end (a pipe will do); `name` is for errors. Errors: kCorrupt,
// kExhausted.
Result<ArchiveFiles> extract_files(int fd, const std::string& name, const std::string& directory);

// kInvalid when there is no such file.
Result<std::string> must_have(const ArchiveFiles& files, const std::string& name);

}  // namespace berth::image
