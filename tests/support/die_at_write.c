/* A library to be preloaded: the process dies of SIGKILL at the Nth write to, or sync of, a file of SQLite's log
 * ("...-wal"), N from BERTH_DIE_AT_WRITE: before the call when N is odd, after it when N is even. What stands between two
 * such calls is invisible to the disk, so these are all the points at which a death can leave something different. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static long left = -2;
static int dies_after;

static int is_log(int fd) {
  char link[64] = "/proc/self/fd/", path[512], digits[16];
  int count = 0, at = (int)strlen(link);
  do digits[count++] = (char)('0' + fd % 10);
  while ((fd /= 10) > 0);
  while (count > 0) link[at++] = digits[--count];
  link[at] = 0;
  ssize_t size = readlink(link, path, sizeof(path) - 1);
  return size > 4 && memcmp(path + size - 4, "-wal", 4) == 0;
}

static int is_time(int fd) {
  if (left == -2) {
    const char* number = getenv("BERTH_DIE_AT_WRITE");
    left = number == NULL ? -1 : atol(number);
    dies_after = left % 2 == 0;
  }
  return left > 0 && is_log(fd) && --left == 0;
}

static void die(void) { kill(getpid(), SIGKILL); }

#define AROUND(call)                      \
  int time = is_time(fd);                 \
  if (time && !dies_after) die();         \
  __typeof__(call) result = call;         \
  if (time) die();                        \
  return result

ssize_t pwrite64(int fd, const void* bytes, size_t size, off64_t at) {
  static ssize_t (*real)(int, const void*, size_t, off64_t);
  if (real == NULL) real = (ssize_t(*)(int, const void*, size_t, off64_t))dlsym(RTLD_NEXT, "pwrite64");
  AROUND(real(fd, bytes, size, at));
}

int fdatasync(int fd) {
  static int (*real)(int);
  if (real == NULL) real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  AROUND(real(fd));
}
