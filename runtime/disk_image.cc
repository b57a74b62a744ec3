#include "runtime/disk_image.h"

#include "sys/file.h"

#include <fcntl.h>

namespace berth::runtime {

Result<sys::LoopDevice> attach_image(const std::string& image) {
  sys::Fd file = TRY(sys::open(image, O_RDWR));
  auto loop = sys::attach_loop_device(file.get());
  if (loop) return loop;
  return wrap(std::move(loop).error(), "a loop device, which the kernel must have (modprobe loop)");
}

}  // namespace berth::runtime
