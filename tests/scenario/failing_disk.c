// A disk that fails. test_errors.py compiles this and puts it between podgit and the C library.
//
//   POD_FAULT=KIND:N      the N-th of the calls that KIND can befall goes wrong; with N 0 none does
//   POD_FAULT_LOG=FILE    each of these calls, a line: its number, what it is, and on what
//
//   EIO ENOSPC EMFILE ENOMEM EAGAIN EBUSY EXDEV   it fails so, once
//   SHORT                                         it moves half of the bytes that it was asked to move
//   FULL                                          it writes half; from then on there is no space
//   GONE                                          it fails with EIO, and so does all that comes after
//
// What the C library does by itself does not come by here. Standard input and output always work.
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
  reads = 1, writes = 2, syncs = 4, names = 8, creates = 16, opens = 32, removes = 64, changes = 128, looks = 256,
  maps = 512, starts = 1024, locks = 2048, exchanges = 4096
};

static const struct kind {
  const char* name;
  int error;
  unsigned befalls;
  bool stays;
} kinds[] = {
  {"EIO", EIO, reads | writes | syncs | names | creates | opens | removes | changes | looks | locks, false},
  {"GONE", EIO, reads | writes | syncs | names | creates | opens | removes | changes | looks | locks, true},
  {"ENOSPC", ENOSPC, writes | syncs | names | creates | changes, false},
  {"FULL", ENOSPC, writes | names | creates | changes, true},
  {"SHORT", 0, reads | writes, false},
  {"EMFILE", EMFILE, opens | creates, false},
  {"ENOMEM", ENOMEM, maps, false},
  {"EAGAIN", EAGAIN, starts, false},
  {"EBUSY", EBUSY, exchanges, false},
  {"EXDEV", EXDEV, exchanges, false},
};

static const struct kind* kind;
static long wanted;
static int log_fd = -1;
static atomic_long count;

__attribute__((constructor)) static void begin(void) {
  const char* fault = getenv("POD_FAULT");
  const char* colon = fault ? strchr(fault, ':') : NULL;
  if (!colon) return;
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; ++i)
    if (strlen(kinds[i].name) == (size_t)(colon - fault) && !strncmp(kinds[i].name, fault, (size_t)(colon - fault)))
      kind = &kinds[i];
  wanted = strtol(colon + 1, NULL, 10);
  const char* log = getenv("POD_FAULT_LOG");
  if (log) log_fd = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static void note(long number, const char* call, const char* path, int fd) {
  char file[400] = "", link[40], line[600];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  if (!path && fd >= 0 && syscall(SYS_readlink, link, file, sizeof file - 1) < 0) *file = 0;
  const int size = snprintf(line, sizeof line, "%ld %s %.400s\n", number, call, path ? path : file);
  syscall(SYS_write, log_fd, line, (size_t)size);
}

enum fate { well, fails, half };

static enum fate fate_of(const char* call, unsigned does, const char* path, int fd) {
  if (!kind || !(kind->befalls & does) || (fd >= 0 && fd <= 2)) return well;
  const long number = ++count;
  if (log_fd >= 0) note(number, call, path, fd);
  if (!wanted || number < wanted || (number > wanted && !kind->stays)) return well;
  if (!kind->error || (number == wanted && kind->error == ENOSPC && kind->stays && does == writes)) return half;
  errno = kind->error;
  return fails;
}

#define NEXT(call) ((__typeof__(&call))dlsym(RTLD_NEXT, #call))

#define MOVES(result, call, does, parameters, arguments)           \
  result call parameters {                                         \
    const enum fate fate = fate_of(#call, does, NULL, fd);         \
    if (fate == fails) return -1;                                  \
    if (fate == half && size > 1) size /= 2;                       \
    return NEXT(call) arguments;                                   \
  }
MOVES(ssize_t, read, reads, (int fd, void* to, size_t size), (fd, to, size))
MOVES(ssize_t, pread, reads, (int fd, void* to, size_t size, off_t at), (fd, to, size, at))
MOVES(ssize_t, pread64, reads, (int fd, void* to, size_t size, off64_t at), (fd, to, size, at))
MOVES(ssize_t, write, writes, (int fd, const void* from, size_t size), (fd, from, size))
MOVES(ssize_t, pwrite, writes, (int fd, const void* from, size_t size, off_t at), (fd, from, size, at))
MOVES(ssize_t, pwrite64, writes, (int fd, const void* from, size_t size, off64_t at), (fd, from, size, at))
MOVES(ssize_t, copy_file_range, writes,
      (int from, off64_t* from_at, int fd, off64_t* at, size_t size, unsigned flags),
      (from, from_at, fd, at, size, flags))

#define ON_FILE(call, does, parameters, arguments) \
  int call parameters { return fate_of(#call, does, NULL, fd) ? -1 : NEXT(call) arguments; }
ON_FILE(fsync, syncs, (int fd), (fd))
ON_FILE(fdatasync, syncs, (int fd), (fd))
ON_FILE(syncfs, syncs, (int fd), (fd))
ON_FILE(ftruncate, changes, (int fd, off_t size), (fd, size))
ON_FILE(ftruncate64, changes, (int fd, off64_t size), (fd, size))
ON_FILE(fchmod, changes, (int fd, mode_t mode), (fd, mode))
ON_FILE(flock, locks, (int fd, int how), (fd, how))
ON_FILE(fstat, looks, (int fd, struct stat* status), (fd, status))
ON_FILE(fstat64, looks, (int fd, struct stat64* status), (fd, status))

#define ON_PATH(call, does, parameters, arguments) \
  int call parameters { return fate_of(#call, does, path, -1) ? -1 : NEXT(call) arguments; }
ON_PATH(rename, names, (const char* from, const char* path), (from, path))
ON_PATH(renameat, names, (int in, const char* from, int to, const char* path), (in, from, to, path))
ON_PATH(link, names, (const char* from, const char* path), (from, path))
ON_PATH(linkat, names, (int in, const char* from, int to, const char* path, int flags), (in, from, to, path, flags))
ON_PATH(mkdir, creates, (const char* path, mode_t mode), (path, mode))
ON_PATH(mkdirat, creates, (int in, const char* path, mode_t mode), (in, path, mode))
ON_PATH(unlink, removes, (const char* path), (path))
ON_PATH(unlinkat, removes, (int in, const char* path, int flags), (in, path, flags))
ON_PATH(rmdir, removes, (const char* path), (path))
ON_PATH(remove, removes, (const char* path), (path))
ON_PATH(chmod, changes, (const char* path, mode_t mode), (path, mode))
ON_PATH(fchmodat, changes, (int in, const char* path, mode_t mode, int flags), (in, path, mode, flags))
ON_PATH(truncate64, changes, (const char* path, off64_t size), (path, size))
ON_PATH(stat, looks, (const char* path, struct stat* status), (path, status))
ON_PATH(stat64, looks, (const char* path, struct stat64* status), (path, status))
ON_PATH(lstat, looks, (const char* path, struct stat* status), (path, status))
ON_PATH(lstat64, looks, (const char* path, struct stat64* status), (path, status))
ON_PATH(fstatat, looks, (int in, const char* path, struct stat* status, int flags), (in, path, status, flags))
ON_PATH(fstatat64, looks, (int in, const char* path, struct stat64* status, int flags), (in, path, status, flags))
ON_PATH(statx, looks, (int in, const char* path, int flags, unsigned mask, struct statx* status),
        (in, path, flags, mask, status))
ON_PATH(access, looks, (const char* path, int mode), (path, mode))

int renameat2(int in, const char* from, int to, const char* path, unsigned flags) {
  const unsigned does = flags & RENAME_EXCHANGE && kind && kind->befalls & exchanges ? exchanges : names;
  return fate_of("renameat2", does, path, -1) ? -1 : NEXT(renameat2)(in, from, to, path, flags);
}

#define OPENS(call, parameters, last, arguments)                                             \
  int call parameters {                                                                      \
    va_list more;                                                                            \
    va_start(more, last);                                                                    \
    const mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(more, mode_t) : 0;          \
    va_end(more);                                                                            \
    return fate_of(#call, flags & O_CREAT ? creates : opens, path, -1) ? -1 : NEXT(call) arguments; \
  }
OPENS(open, (const char* path, int flags, ...), flags, (path, flags, mode))
OPENS(open64, (const char* path, int flags, ...), flags, (path, flags, mode))
OPENS(openat, (int in, const char* path, int flags, ...), flags, (in, path, flags, mode))
OPENS(openat64, (int in, const char* path, int flags, ...), flags, (in, path, flags, mode))

long syscall(long number, ...) {
  va_list more;
  va_start(more, number);
  long a[6];
  for (int i = 0; i < 6; ++i) a[i] = va_arg(more, long);
  va_end(more);
  if (number == SYS_openat2) {
    const struct open_how* how = (const struct open_how*)a[2];
    if (fate_of("openat2", how->flags & O_CREAT ? creates : opens, (const char*)a[1], -1)) return -1;
  }
  return NEXT(syscall)(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

DIR* opendir(const char* path) { return fate_of("opendir", opens, path, -1) ? NULL : NEXT(opendir)(path); }
FILE* fopen(const char* path, const char* mode) {
  return fate_of("fopen", opens, path, -1) ? NULL : NEXT(fopen)(path, mode);
}
FILE* fopen64(const char* path, const char* mode) {
  return fate_of("fopen64", opens, path, -1) ? NULL : NEXT(fopen64)(path, mode);
}
struct dirent* readdir(DIR* folder) {
  return fate_of("readdir", reads, NULL, dirfd(folder)) == fails ? NULL : NEXT(readdir)(folder);
}
struct dirent64* readdir64(DIR* folder) {
  return fate_of("readdir64", reads, NULL, dirfd(folder)) == fails ? NULL : NEXT(readdir64)(folder);
}
void* mmap(void* at, size_t size, int protection, int flags, int fd, off_t offset) {
  return fate_of("mmap", maps, NULL, fd) ? MAP_FAILED : NEXT(mmap)(at, size, protection, flags, fd, offset);
}
void* mmap64(void* at, size_t size, int protection, int flags, int fd, off64_t offset) {
  return fate_of("mmap64", maps, NULL, fd) ? MAP_FAILED : NEXT(mmap64)(at, size, protection, flags, fd, offset);
}
int pthread_create(pthread_t* thread, const pthread_attr_t* how, void* (*work)(void*), void* with) {
  return fate_of("pthread_create", starts, NULL, -1) ? EAGAIN : NEXT(pthread_create)(thread, how, work, with);
}
