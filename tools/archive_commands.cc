// berth save and load.
#include "agent/registry_config.h"
#include "base/text.h"
#include "image/load.h"
#include "image/lookup.h"
#include "image/save.h"
#include "image/store.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/spawn.h"
#include "tools/commands.h"
#include "tools/pull_progress.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>

namespace berth::tools {
namespace {

// A file that appears under its name when it is whole, and else not at all.
class NewFile {
 public:
  static Result<NewFile> make(const std::string& path) {
    std::string temporary = fmt::format("{}.{}.tmp", path, sys::own_pid());
    sys::Fd fd = TRY(sys::create(temporary, O_WRONLY | O_EXCL, 0644));
    return NewFile(path, std::move(temporary), std::move(fd));
  }
  NewFile(NewFile&& other) noexcept
      : path_(std::move(other.path_)),
        temporary_(std::exchange(other.temporary_, {})),
        fd_(std::move(other.fd_)) {}
  NewFile& operator=(NewFile&&) = delete;
  ~NewFile() {
    if (!temporary_.empty()) (void)sys::remove_file(temporary_);  // the error is told already
  }

  int fd() const { return fd_.get(); }
  Status commit() {
    TRY(sys::fsync(fd_.get(), temporary_));
    TRY(sys::rename(temporary_, path_));
    temporary_.clear();
    return {};
  }

 private:
  NewFile(std::string path, std::string temporary, sys::Fd fd)
      : path_(std::move(path)), temporary_(std::move(temporary)), fd_(std::move(fd)) {}
  std::string path_;
  std::string temporary_;
  sys::Fd fd_;
};

bool is_regular_or_new(const std::string& path) {
  auto st = sys::stat(path);
  return !st || S_ISREG(st->st_mode);
}

Status write_archive(const std::vector<image::ArchiveEntry>& entries, const SaveOptions& options) {
  if (options.format == image::ArchiveFormat::kOciDirectory) {
    return image::write_directory(options.output, entries);
  }
  if (options.output.empty()) return image::write_tar(STDOUT_FILENO, entries);
  if (!is_regular_or_new(options.output)) {  // a pipe, /dev/null
    sys::Fd fd = TRY(sys::open(options.output, O_WRONLY));
    return image::write_tar(fd.get(), entries);
  }
  NewFile file = TRY(NewFile::make(options.output));
  TRY(image::write_tar(file.fd(), entries));
  return file.commit();
}

Status save(const agent::Config& config, const SaveOptions& options) {
  if (options.output.empty() && options.format == image::ArchiveFormat::kOciDirectory) {
    return fail(Errc::kInvalid, "save: --format oci-dir needs --output DIRECTORY");
  }
  if (options.output.empty() && ::isatty(STDOUT_FILENO) == 1) {
    return fail(Errc::kInvalid,
                "save: an archive is not for a terminal; name a file with --output");
  }
  image::Store store = TRY(image::Store::open(config.root));
  sys::Fd lock = TRY(store.lock_for_pull());
  std::vector<image::ImageRecord> images;
  for (const std::string& name : options.images) {
    images.push_back(TRY(image::find_image(store, name)));
  }
  image::Scratch scratch = TRY(store.make_scratch());
  auto entries = TRY(image::plan_archive(store, images, options.format, scratch.path()));
  return write_archive(entries, options);
}

Status load(const agent::Config& config, const LoadOptions& options) {
  image::LoadRequest request;
  sys::Fd file;
  request.source = options.input.empty() || options.input == "-" ? "standard input" : options.input;
  if (request.source != options.input) {
    request.fd = STDIN_FILENO;
    if (::isatty(STDIN_FILENO) == 1) {
      return fail(Errc::kInvalid, "load: name an archive with --input, or pipe one in");
    }
  } else if (!S_ISDIR(TRY(sys::stat(options.input)).st_mode)) {
    file = TRY(sys::open(options.input, O_RDONLY));
    request.fd = file.get();
  }
  request.name = options.name;
  request.platform = TRY(image::host_platform());
  sys::SystemClock clock;
  sys::SystemRng rng;
  image::Store store = TRY(image::Store::open(config.root));
  PullProgress progress(stderr, ProgressStyle::kLines, clock);
  request.progress = [&](const image::Progress& layer) { progress.update(layer); };
  for (const image::Image& image :
       TRY(image::load_images(store, agent::puller_config_of(config), Env{clock, rng}, request))) {
    std::printf("%s@%s\n", image.reference.c_str(), image.resolved_digest.c_str());
  }
  return {};
}

}  // namespace

int save_command(const agent::Config& config, const SaveOptions& options) {
  return exit_code(save(config, options));
}

int load_command(const agent::Config& config, const LoadOptions& options) {
  return exit_code(load(config, options));
}

}  // namespace berth::tools
