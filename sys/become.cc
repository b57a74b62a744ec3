#include "sys/become.h"

#include "sys/call.h"
#include "sys/file.h"
#include "sys/scheduling.h"

#include <fcntl.h>
#include <unistd.h>

namespace berth::sys {

Status become(const std::string& path, const std::vector<std::string>& arguments) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  // The program has all processors that we had. Should they have been taken from us meanwhile, it
  // has what it has.
  if (given_processors() != nullptr) (void)set_own_affinity(*given_processors());
  return run("execve", path, [&] { return ::execve(path.c_str(), argv.data(), environ); });
}

Status silence(int fd) {
  Fd null = TRY(open("/dev/null", O_RDWR));
  return run("dup2", "/dev/null", [&] { return ::dup2(null.get(), fd); });
}

}  // namespace berth::sys
