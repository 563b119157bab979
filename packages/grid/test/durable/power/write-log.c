// Preloaded into a process, it logs in order what the process does to files named data.mdb: each write with its bytes, and where each flush
// begins and ends; and what it says on standard output. From the log, the file can be made as a power cut would leave it.
// A record: kind (1 byte), a number (8 bytes), a length (4 bytes), so many bytes.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int logfd = -1;
static uint64_t flushes = 0;
static unsigned slow_us = 0;

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("WRITE_LOG");
  const char *slow = getenv("FLUSH_US");
  if (slow) slow_us = atoi(slow);
  if (path) logfd = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static int logged(int fd) {
  char link[64], path[4096];
  if (logfd < 0) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path);
  return length >= 8 && memcmp(path + length - 8, "data.mdb", 8) == 0;
}

static void put(const void *bytes, size_t length) {
  const char *at = bytes;
  while (length > 0) {
    ssize_t done = syscall(SYS_write, logfd, at, length);
    if (done <= 0) abort();
    at += done;
    length -= done;
  }
}

static void record(char kind, uint64_t number, const struct iovec *parts, int count, size_t length) {
  uint32_t size = length;
  put(&kind, 1);
  put(&number, 8);
  put(&size, 4);
  for (int i = 0; i < count && length > 0; i++) {
    size_t part = parts[i].iov_len < length ? parts[i].iov_len : length;
    put(parts[i].iov_base, part);
    length -= part;
  }
}

// `D`: the write is flushed by itself, as the file was opened so. `W`: it is not.
static char kind_of(int fd) { return fcntl(fd, F_GETFL) & O_DSYNC ? 'D' : 'W'; }

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t at) {
  if (!logged(fd)) return syscall(SYS_pwrite64, fd, bytes, length, at);
  pthread_mutex_lock(&lock);
  ssize_t done = syscall(SYS_pwrite64, fd, bytes, length, at);
  struct iovec part = {(void *)bytes, length};
  if (done > 0) record(kind_of(fd), at, &part, 1, done);
  pthread_mutex_unlock(&lock);
  return done;
}
ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) { return pwrite64(fd, bytes, length, at); }

ssize_t writev(int fd, const struct iovec *parts, int count) {
  if (!logged(fd)) return syscall(SYS_writev, fd, parts, count);
  pthread_mutex_lock(&lock);
  uint64_t at = lseek(fd, 0, SEEK_CUR);
  ssize_t done = syscall(SYS_writev, fd, parts, count);
  if (done > 0) record(kind_of(fd), at, parts, count, done);
  pthread_mutex_unlock(&lock);
  return done;
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t at) {
  if (!logged(fd)) return syscall(SYS_pwritev, fd, parts, count, (unsigned long)at, 0ul);
  pthread_mutex_lock(&lock);
  ssize_t done = syscall(SYS_pwritev, fd, parts, count, (unsigned long)at, 0ul);
  if (done > 0) record(kind_of(fd), at, parts, count, done);
  pthread_mutex_unlock(&lock);
  return done;
}
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) { return pwritev64(fd, parts, count, at); }

ssize_t write(int fd, const void *bytes, size_t length) {
  int mine = logged(fd), said = fd == 1 && logfd >= 0;
  if (!mine && !said) return syscall(SYS_write, fd, bytes, length);
  pthread_mutex_lock(&lock);
  uint64_t at = mine ? lseek(fd, 0, SEEK_CUR) : 0;
  struct iovec part = {(void *)bytes, length};
  // What is said counts from before anybody can hear it.
  if (said) record('A', 0, &part, 1, length);
  ssize_t done = syscall(SYS_write, fd, bytes, length);
  if (mine && done > 0) record(kind_of(fd), at, &part, 1, done);
  pthread_mutex_unlock(&lock);
  return done;
}

static int flush(int fd, long call) {
  if (!logged(fd)) return syscall(call, fd);
  pthread_mutex_lock(&lock);
  uint64_t id = ++flushes;
  record('B', id, NULL, 0, 0);
  pthread_mutex_unlock(&lock);
  // A disk takes its time: what is acknowledged before the end of a flush is seen to be.
  usleep(slow_us);
  int failed = syscall(call, fd);
  pthread_mutex_lock(&lock);
  if (!failed) record('E', id, NULL, 0, 0);
  pthread_mutex_unlock(&lock);
  return failed;
}
int fdatasync(int fd) { return flush(fd, SYS_fdatasync); }
int fsync(int fd) { return flush(fd, SYS_fsync); }

static int cut(int fd, off64_t length) {
  if (!logged(fd)) return syscall(SYS_ftruncate, fd, length);
  pthread_mutex_lock(&lock);
  int failed = syscall(SYS_ftruncate, fd, length);
  if (!failed) record('T', length, NULL, 0, 0);
  pthread_mutex_unlock(&lock);
  return failed;
}
int ftruncate64(int fd, off64_t length) { return cut(fd, length); }
int ftruncate(int fd, off_t length) { return cut(fd, length); }
