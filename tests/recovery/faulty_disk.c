/* A disk that fails: preloaded, it makes the n-th write (or sync) to a file named *faulty* go wrong, once. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum { NONE = 0, FAIL = 1, CUT_SHORT = 2 };

static long at = -1;
static int kind = NONE, code = 0;
static long writes = 0;

/* From now on, the n-th write fails (1: with this errno, 2: after half of its bytes). Returns the writes until now. */
long disk_fails(long n, int how, int error) {
  long before = writes;
  writes = 0;
  at = n;
  kind = how;
  code = error;
  return before;
}

static int ours(int fd) {
  char link[64], path[512];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, path, sizeof path - 1);
  if (n <= 0) return 0;
  path[n] = 0;
  return strstr(path, "faulty") != NULL;
}

static int fails(int fd) { return kind != NONE && ours(fd) && ++writes == at; }

#define REAL(name) __typeof__(&name) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

ssize_t pwrite64(int fd, const void* data, size_t n, off64_t offset) {
  REAL(pwrite64);
  if (!fails(fd)) return real(fd, data, n, offset);
  errno = code;
  if (kind != CUT_SHORT) return -1;
  real(fd, data, n / 2, offset);
  errno = code;
  return -1;
}

ssize_t write(int fd, const void* data, size_t n) {
  REAL(write);
  if (!fails(fd)) return real(fd, data, n);
  if (kind == CUT_SHORT) return real(fd, data, n / 2);
  errno = code;
  return -1;
}

int fsync(int fd) {
  REAL(fsync);
  if (!fails(fd)) return real(fd);
  errno = code;
  return -1;
}

int fdatasync(int fd) {
  REAL(fdatasync);
  if (!fails(fd)) return real(fd);
  errno = code;
  return -1;
}

int ftruncate64(int fd, off64_t n) {
  REAL(ftruncate64);
  if (!fails(fd)) return real(fd, n);
  errno = code;
  return -1;
}
