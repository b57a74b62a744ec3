#include "agent/detached.h"

#include "sys/file.h"
#include "sys/spawn.h"

#include <fcntl.h>

namespace berth::agent {

Status start_detached(const std::vector<std::string>& command) {
  sys::Fd null = TRY(sys::open("/dev/null", O_RDWR));
  sys::Program program;
  program.path = command.front();
  program.arguments = command;
  program.descriptors = {{null.get(), 0}, {null.get(), 1}, {null.get(), 2}};
  program.new_session = true;
  program.working_directory = "/";
  return sys::spawn_orphan(program);
}

}  // namespace berth::agent
