#include "sys/loop_device.h"

#include "base/text.h"
#include "sys/call.h"
#include "sys/file.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>

namespace berth::sys {
namespace {

constexpr int kAttempts =
    64;  // between being told of a free one and taking it others may be quicker
constexpr const char* kBlockDevices = "/sys/block";
constexpr size_t kBackingFileMax = 8192;  // a path, and what the kernel says of it

std::string node_of(long number) {
  return fmt::format("/dev/loop{}", number);
}

Result<Fd> open_control() {
  auto control = open("/dev/loop-control", O_RDWR);
  if (control) return control;
  int reason = control.error().errno_value;
  if (reason != ENOENT && reason != ENXIO && reason != ENODEV) return control;
  return fail(Errc::kUnsupported,
              "{}: this host has no loop devices (modprobe loop, or a kernel with "
              "CONFIG_BLK_DEV_LOOP)",
              control.error().text);
}

// The kernel makes another device when all have a file.
Result<long> find_free(int control) {
  return call("ioctl(LOOP_CTL_GET_FREE)", "", [&] { return ::ioctl(control, LOOP_CTL_GET_FREE); });
}

// A devtmpfs has the node as soon as there is the device.
Error explain_node(Error error, long number) {
  if (error.errno_value != ENOENT) return error;
  error.code = Errc::kUnsupported;
  error.text += fmt::format(": this /dev is no devtmpfs; mknod -m 660 {} b 7 {}, and so for more",
                            node_of(number), number);
  return error;
}

// Somebody else took it, or it is being taken from its last user.
bool is_passing(const Error& error) {
  return error.errno_value == EBUSY || error.errno_value == ENXIO;
}

Result<LoopDevice> attach_once(int control, const loop_config& config, int access) {
  long number = TRY(find_free(control));
  LoopDevice loop{node_of(number), {}};
  auto device = open(loop.path, access);
  if (!device) return tl::unexpected<Error>(explain_node(std::move(device).error(), number));
  loop.device = std::move(*device);
  TRY(run("ioctl(LOOP_CONFIGURE)", loop.path,
          [&] { return ::ioctl(loop.device.get(), LOOP_CONFIGURE, &config); }));
  return loop;
}

Result<LoopDevice> attach_free(int backing, int access, uint32_t flags) {
  Fd control = TRY(open_control());
  loop_config config{};
  config.fd = static_cast<uint32_t>(backing);
  config.info.lo_flags = flags;
  for (int attempt = 1;; ++attempt) {
    auto loop = attach_once(control.get(), config, access);
    if (loop || !is_passing(loop.error()) || attempt == kAttempts) return loop;
    std::this_thread::sleep_for(std::chrono::microseconds(attempt * 50));
  }
}

// Enough of a path to look closer: the file and its directory. A whole path has another beginning
// where it is seen through another mount.
std::string_view end_of(std::string_view path) {
  size_t name = path.rfind('/');
  if (name == std::string_view::npos || name == 0) return path;
  size_t directory = path.rfind('/', name - 1);
  return directory == std::string_view::npos ? path : path.substr(directory);
}

// Device and inode as the kernel has them, of the whole file, to be read, and gone with its users.
bool is_shareable(const loop_info64& info, const struct stat& file) {
  constexpr uint32_t kFlags = LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR;
  return info.lo_device == file.st_dev && info.lo_inode == file.st_ino && info.lo_offset == 0 &&
         info.lo_sizelimit == 0 && (info.lo_flags & kFlags) == kFlags;
}

// Asked after it was opened: from then on it can go to nobody else.
std::optional<LoopDevice> open_if_shareable(const std::string& name, const struct stat& file) {
  auto device = open("/dev/" + name, O_RDONLY);
  if (!device) return std::nullopt;
  loop_info64 info{};
  auto known = run("ioctl(LOOP_GET_STATUS64)", name,
                   [&] { return ::ioctl(device->get(), LOOP_GET_STATUS64, &info); });
  if (!known || !is_shareable(info, file)) return std::nullopt;
  return LoopDevice{"/dev/" + name, std::move(*device)};
}

}  // namespace

Result<LoopDevice> attach_loop_device(int backing) {
  return attach_free(backing, O_RDWR, LO_FLAGS_AUTOCLEAR);
}

// They come and go meanwhile: what cannot be read has no file.
Status AttachedLoopDevices::look() {
  if (looked_) return {};
  for (const std::string& name : TRY(list_directory(kBlockDevices))) {
    if (!name.starts_with("loop")) continue;
    auto file =
        read_file(fmt::format("{}/{}/loop/backing_file", kBlockDevices, name), kBackingFileMax);
    if (file) names_.emplace(end_of(trim(*file)), name);
  }
  looked_ = true;
  return {};
}

Result<std::optional<LoopDevice>> AttachedLoopDevices::find(const std::string& file,
                                                            const struct stat& known) {
  TRY(look());
  auto [first, last] = names_.equal_range(end_of(file));
  for (auto entry = first; entry != last; ++entry) {
    auto loop = open_if_shareable(entry->second, known);
    if (loop) return loop;
  }
  return std::nullopt;
}

// Reads go through the page cache of the file (no LO_FLAGS_DIRECT_IO), so what was read is held
// twice: of the file, and of the device or what is mounted on it. The first half is clean and the
// first to go, and it is there already when the file was just written. Measured with 21,985 files,
// 1.3 GiB, on Linux 6.18 and ext4: all read in 3.2 and 3.8 s after a pull and 3.6 and 4.3 s from
// disk; with direct I/O 4.5 and 5.4 s, and 6.3 and 9.2 s, for 1.3 instead of 2.6 GiB of cache.
// Tasks of one image share both halves.
Result<LoopDevice> attach_loop_device_to_read(const std::string& file,
                                              AttachedLoopDevices& attached) {
  Fd backing = TRY(open(file, O_RDONLY));
  struct stat known = TRY(stat_fd(backing.get()));
  if (!S_ISREG(known.st_mode)) return fail(Errc::kInvalid, "{}: not a regular file", file);
  // As the kernel names it: `file` may lead there through symlinks or /proc/self/fd.
  std::string path = TRY(read_link(proc_path(backing.get())));
  auto loop = TRY(attached.find(path, known));
  if (loop) return std::move(*loop);
  return attach_free(backing.get(), O_RDONLY, LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR);
}

Status can_attach_loop_devices() {
  Fd control = TRY(open_control());
  long number = TRY(find_free(control.get()));
  auto device = open(node_of(number), O_PATH);
  if (device) return {};
  return tl::unexpected<Error>(explain_node(std::move(device).error(), number));
}

}  // namespace berth::sys
