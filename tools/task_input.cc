#include "tools/task_input.h"

#include "image/platform.h"
#include "sys/file.h"

#include <unistd.h>

namespace berth::tools {
namespace {

constexpr size_t kDefinitionMax = 1024 * 1024;

}  // namespace

Result<std::string> read_task_input(const std::string& file) {
  if (file == "-") return sys::read_all(STDIN_FILENO, kDefinitionMax);
  return sys::read_file(file, kDefinitionMax);
}

Result<scheduler::CpuArchitecture> host_architecture() {
  image::Platform host = TRY(image::host_platform());
  if (host.architecture == "amd64") return scheduler::CpuArchitecture::kX86_64;
  if (host.architecture == "arm64") return scheduler::CpuArchitecture::kArm64;
  return fail(Errc::kUnsupported, "this host is {}; ECS knows X86_64 and ARM64", host.to_string());
}

}  // namespace berth::tools
