#include "sys/loop_device.h"

#include "sys/call.h"
#include "sys/file.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>

#include <cerrno>

namespace berth::sys {
namespace {

constexpr int kAttempts =
    64;  // between being told of a free one and taking it others may be quicker

}  // namespace

Result<LoopDevice> attach_loop_device(int backing) {
  Fd control = TRY(open("/dev/loop-control", O_RDWR));
  loop_config config{};
  config.fd = static_cast<uint32_t>(backing);
  config.info.lo_flags = LO_FLAGS_AUTOCLEAR;
  for (int attempt = 1;; ++attempt) {
    long number = TRY(call("ioctl(LOOP_CTL_GET_FREE)", "",
                           [&] { return ::ioctl(control.get(), LOOP_CTL_GET_FREE); }));
    LoopDevice loop{fmt::format("/dev/loop{}", number), {}};
    loop.device = TRY(open(loop.path, O_RDWR));
    auto configured = run("ioctl(LOOP_CONFIGURE)", loop.path,
                          [&] { return ::ioctl(loop.device.get(), LOOP_CONFIGURE, &config); });
    if (configured) return loop;
    if (configured.error().errno_value != EBUSY || attempt == kAttempts) {
      return tl::unexpected<Error>(std::move(configured).error());
    }
  }
}

}  // namespace berth::sys
