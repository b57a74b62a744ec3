// Layers: a tar from memory is unpacked into a directory, above one lower layer. Nothing may be
// written beside that directory. As root everything is made, device nodes too; others come as far
// as the first chown(2).
#include "image/unpack.h"

#include "base/log.h"
#include "sys/file.h"
#include "sys/tree.h"
#include "tests/fuzz/fuzz.h"

#include <fcntl.h>

#include <cstdlib>

using namespace berth;  // the entry point is not ours to place

namespace {

class Memory final : public image::ByteSource {
 public:
  explicit Memory(std::string_view bytes) : rest_(bytes) {}
  Result<std::string_view> read() override { return std::exchange(rest_, {}); }

 private:
  std::string_view rest_;
};

// As an image often has it: /bin is a symlink to usr/bin.
void make_lower(const std::string& path) {
  CHECK(sys::make_directories(path + "/usr/bin", 0755));
  CHECK(sys::symlink_at("usr/bin", AT_FDCWD, path + "/bin"));
  CHECK(sys::write_replace(path + "/usr/bin/true", "true", 0755));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  log::set_level(log::Level::kError);
  const char* parent = std::getenv("TMPDIR");
  auto directory =
      sys::TemporaryDirectory::make(parent != nullptr ? parent : "/tmp", "berth-fuzz-");
  CHECK(directory.has_value());
  std::string lower = directory->path() + "/lower";
  std::string target = directory->path() + "/target";
  make_lower(lower);
  CHECK(sys::make_directories(target, 0755));
  Memory tar(fuzz::text_of(data, size));
  image::UnpackOptions options{.entries_max = 1000, .disk_reserve_bytes = 0, .lower = nullptr};
  options.lower = [&]() -> Result<std::vector<std::string>> { return std::vector{lower}; };
  auto done = image::unpack(tar, target, options);
  if (!done) fuzz::check_error(done.error());
  auto names = sys::list_directory(directory->path());
  CHECK(names.has_value() && names->size() == 2);
  return 0;
}
