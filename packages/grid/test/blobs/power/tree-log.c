// Preloaded into a process, it logs in order what the process does to files and directories below TREE_ROOT: what is made, written, linked,
// renamed and removed, where each flush begins and ends; and what it says on standard output. From the log, the tree can be made as a power
// cut would leave it. A record: kind (1 byte), a number (8 bytes), the lengths of a path and of what follows it (4 bytes each), both.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int logfd = -1;
static const char *root = "";
static uint64_t flushes = 0;
static unsigned slow_us = 0;

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("TREE_LOG");
  const char *slow = getenv("FLUSH_US");
  if (slow) slow_us = atoi(slow);
  if (getenv("TREE_ROOT")) root = getenv("TREE_ROOT");
  if (path) logfd = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static int below(const char *path) { return logfd >= 0 && strncmp(path, root, strlen(root)) == 0; }

static int path_of(int fd, char *path, size_t size) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = logfd < 0 ? -1 : readlink(link, path, size - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return below(path);
}

static void put(const void *bytes, size_t length) {
  for (const char *at = bytes; length > 0;) {
    ssize_t done = syscall(SYS_write, logfd, at, length);
    if (done <= 0) abort();
    at += done;
    length -= done;
  }
}

static void record(char kind, uint64_t number, const char *path, const void *more, uint32_t length) {
  uint32_t size = strlen(path);
  put(&kind, 1);
  put(&number, 8);
  put(&size, 4);
  put(&length, 4);
  put(path, size);
  put(more, length);
}

int open64(const char *path, int flags, ...) {
  va_list list;
  va_start(list, flags);
  mode_t mode = flags & O_CREAT ? va_arg(list, mode_t) : 0;
  va_end(list);
  if (!(flags & O_CREAT) || !(flags & O_EXCL) || !below(path)) return open(path, flags, mode);
  pthread_mutex_lock(&lock);
  int fd = open(path, flags, mode);
  if (fd >= 0) record('C', 0, path, "", 0);
  pthread_mutex_unlock(&lock);
  return fd;
}

int mkdir(const char *path, mode_t mode) {
  pthread_mutex_lock(&lock);
  int failed = syscall(SYS_mkdirat, AT_FDCWD, path, mode);
  if (!failed && below(path)) record('M', 0, path, "", 0);
  pthread_mutex_unlock(&lock);
  return failed;
}

int rename(const char *from, const char *to) {
  pthread_mutex_lock(&lock);
  int failed = syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
  if (!failed && below(from)) record('R', 0, from, to, strlen(to));
  pthread_mutex_unlock(&lock);
  return failed;
}

int link(const char *from, const char *to) {
  pthread_mutex_lock(&lock);
  int failed = syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
  if (!failed && below(from)) record('L', 0, from, to, strlen(to));
  pthread_mutex_unlock(&lock);
  return failed;
}

int unlink(const char *path) {
  pthread_mutex_lock(&lock);
  int failed = syscall(SYS_unlinkat, AT_FDCWD, path, 0);
  if (!failed && below(path)) record('U', 0, path, "", 0);
  pthread_mutex_unlock(&lock);
  return failed;
}

ssize_t write(int fd, const void *bytes, size_t length) {
  char path[4096];
  int said = fd == 1 && logfd >= 0, mine = !said && path_of(fd, path, sizeof path);
  if (!mine && !said) return syscall(SYS_write, fd, bytes, length);
  pthread_mutex_lock(&lock);
  uint64_t at = mine ? lseek(fd, 0, SEEK_CUR) : 0;
  // What is said counts from before anybody can hear it.
  if (said) record('A', 0, "", bytes, length);
  ssize_t done = syscall(SYS_write, fd, bytes, length);
  if (mine && done > 0) record('W', at, path, bytes, done);
  pthread_mutex_unlock(&lock);
  return done;
}

static int flush(int fd, long call) {
  char path[4096];
  if (!path_of(fd, path, sizeof path)) return syscall(call, fd);
  pthread_mutex_lock(&lock);
  uint64_t id = ++flushes;
  record('B', id, path, "", 0);
  pthread_mutex_unlock(&lock);
  // A disk takes its time: what is acknowledged before the end of a flush is seen to be.
  usleep(slow_us);
  int failed = syscall(call, fd);
  pthread_mutex_lock(&lock);
  if (!failed) record('E', id, path, "", 0);
  pthread_mutex_unlock(&lock);
  return failed;
}
int fdatasync(int fd) { return flush(fd, SYS_fdatasync); }
int fsync(int fd) { return flush(fd, SYS_fsync); }
