#include "agent/disk_image.h"

#include "base/log.h"
#include "base/text.h"
#include "sys/file.h"
#include "sys/host.h"
#include "sys/spawn.h"
#include "sys/tree.h"

#include <fcntl.h>

#include <algorithm>

namespace berth::agent {
namespace {

constexpr uint64_t kGib = 1ULL << 30;

std::vector<std::string> words_of(const DiskImage& image) {
  std::vector<std::string> words = image.mkfs;
  words.push_back(image.path);
  return words;
}

Status make_file_system(const DiskImage& image) {
  const std::string& name = image.mkfs.front();
  sys::Program program;
  program.arguments = words_of(image);
  program.path = name;
  auto output = sys::run_program(std::move(program), "");
  if (!output) {
    return wrap(std::move(output).error(), "{}, of the package {}, makes the storage of the task",
                name, image.package);
  }
  if (output->status.shell_code() == 0) return {};
  return fail(Errc::kUnavailable, "{} {}: {}", name, image.path, printable(trim(output->err), 400));
}

}  // namespace

Status make_disk_image(const DiskImage& image, uint64_t size_gib) {
  std::string directory = image.path.substr(0, image.path.rfind('/'));
  TRY(sys::make_directories(directory, 0711));
  uint64_t wanted = size_gib * kGib;
  uint64_t free = TRY(sys::free_bytes(directory));
  if (free < wanted) {
    LOG(kWarn,
        fmt::format("the disk has less room than the task's {}, and bounds it", image.asked_by),
        {{"asked GiB", std::to_string(size_gib)}, {"free GiB", std::to_string(free / kGib)}});
  }
  sys::Fd file = TRY(sys::create(image.path, O_RDWR | O_TRUNC, 0600));
  TRY(sys::set_size(file.get(), static_cast<int64_t>(std::min(wanted, free))));
  return make_file_system(image);
}

Step explain_disk_image(const DiskImage& image) {
  std::string mkfs = join(words_of(image), " ");
  Step step;
  step.stage = "volumes";
  step.effect = fmt::format("{}: a sparse file of that size with an empty file system", image.path);
  step.calls = {fmt::format("open({}, O_CREAT|O_TRUNC, 0600)", image.path), "ftruncate(the size)",
                fmt::format("clone, execve({})", mkfs)};
  step.purpose = "it takes of the disk what is written, and no more than its size";
  step.by_hand = fmt::format("truncate -s SIZE {}; {}", image.path, mkfs);
  step.asked_by = image.asked_by;
  return step;
}

}  // namespace berth::agent
