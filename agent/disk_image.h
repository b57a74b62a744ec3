// Empty file systems in sparse files, which the shim mounts: they take of the disk what is written.
#pragma once

#include "base/result.h"
#include "base/step.h"

#include <cstdint>
#include <string>
#include <vector>

namespace berth::agent {

struct DiskImage {
  std::string path;
  std::vector<std::string> mkfs;  // argv; the path comes behind
  std::string package;            // of Debian, that has the program
  std::string asked_by;           // the member of the task definition
};

// Makes the file anew, and the file system in it. A disk that has less room than that bounds it:
// the task is to read ENOSPC, not to lose what it wrote. An error names what is missing.
Status make_disk_image(const DiskImage& image, uint64_t size_gib);

// How make_disk_image() does it.
Step explain_disk_image(const DiskImage& image);

}  // namespace berth::agent
