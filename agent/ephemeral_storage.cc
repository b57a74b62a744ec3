#include "agent/ephemeral_storage.h"

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
constexpr const char* kLoopControl = "/dev/loop-control";

// No journal and no copies of the superblock: nobody mounts it a second time. -F: into a file.
std::vector<std::string> words_of_mkfs(const std::string& image) {
  return {"mkfs.ext4",
          "-q",
          "-F",
          "-m",
          "0",
          "-b",
          "4096",
          "-G",
          "256",
          "-O",
          "^has_journal,^resize_inode,sparse_super2",
          "-E",
          "lazy_itable_init=1,nodiscard,num_backup_sb=0",
          image};
}

Status make_file_system(const std::string& image) {
  sys::Program program;
  program.arguments = words_of_mkfs(image);
  program.path = program.arguments.front();
  auto output = sys::run_program(std::move(program), "");
  if (!output) {
    return wrap(std::move(output).error(),
                "mkfs.ext4, of the package e2fsprogs, makes the storage of the task");
  }
  if (output->status.shell_code() == 0) return {};
  return fail(Errc::kUnavailable, "mkfs.ext4 {}: {}", image, printable(trim(output->err), 400));
}

Status make_image(const runtime::EphemeralStoragePlan& plan, uint64_t size_gib) {
  std::string directory = plan.image.substr(0, plan.image.rfind('/'));
  TRY(sys::make_directories(directory, 0711));
  uint64_t wanted = size_gib * kGib;
  uint64_t free = TRY(sys::free_bytes(directory));
  if (free < wanted) {
    LOG(kWarn, "the disk has less room than the task's ephemeral storage, and bounds it",
        {{"asked GiB", std::to_string(size_gib)}, {"free GiB", std::to_string(free / kGib)}});
  }
  sys::Fd image = TRY(sys::create(plan.image, O_RDWR, 0600));
  TRY(sys::set_size(image.get(), static_cast<int64_t>(std::min(wanted, free))));
  return make_file_system(plan.image);
}

}  // namespace

// A bound that nobody asked for keeps no task from running on a host that cannot have it.
std::optional<uint32_t> storage_gib_of(const scheduler::TaskDefinition& definition) {
  if (definition.ephemeral_storage_gib || !definition.requires_fargate()) {
    return definition.ephemeral_storage_gib;
  }
  if (sys::exists(kLoopControl)) return kFargateStorageGib;
  LOG(kWarn, "without loop devices the disk alone bounds what a task of Fargate writes",
      {{"missing", kLoopControl}});
  return std::nullopt;
}

runtime::EphemeralStoragePlan ephemeral_storage_plan(const InstancePaths& paths,
                                                     const std::string& task_id) {
  std::string directory = paths.durable(task_id);
  return {.image = directory + "/" + kEphemeralImage, .path = directory + "/" + kEphemeralMount};
}

Status make_ephemeral_storage(const runtime::EphemeralStoragePlan& plan, uint64_t size_gib) {
  auto made = make_image(plan, size_gib);
  if (!made) return wrap(std::move(made).error(), "ephemeralStorage");
  return {};
}

Step explain_image(const runtime::EphemeralStoragePlan& plan) {
  std::string mkfs = join(words_of_mkfs(plan.image), " ");
  Step step;
  step.stage = "volumes";
  step.effect = fmt::format("{}: a sparse file of that size with an empty file system", plan.image);
  step.calls = {fmt::format("open({}, O_CREAT, 0600)", plan.image), "ftruncate(the size)",
                fmt::format("fork, execve({})", mkfs)};
  step.purpose = "it takes of the disk what is written, and no more than its size";
  step.by_hand = fmt::format("truncate -s SIZE {}; {}", plan.image, mkfs);
  step.asked_by = "ephemeralStorage";
  return step;
}

}  // namespace berth::agent
