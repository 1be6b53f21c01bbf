/*
 * Records the file operations of a process below a directory, so that the harness can derive what a disk may contain after a power
 * cut. Loaded with LD_PRELOAD; src/shim.rs compiles it, and src/trace.rs reads the trace.
 *
 *   CRASH_ROOT             the directory: an absolute path without symbolic links
 *   CRASH_TRACE            the file that records are appended to, outside of the directory
 *   CRASH_FAIL_SYNC=n      fail the n-th fsync or fdatasync below the directory with EIO, once
 *   CRASH_FAIL_LATER=file  fail the n-th sync after this file exists; n is its length in bytes
 *   CRASH_IGNORE_FDATASYNC execute fdatasync but do not record it, to test that the harness detects a missing sync
 *   CRASH_IGNORE_FSYNC_DIR the same for fsync of directories
 *   CRASH_SYNC_DELAY_US    delay of every sync, as on a slow disk
 *
 * An operation and its record are written under one lock, so that the records have the order of the operations. Only a sync has two
 * records, before and after: it does not cover what is written in between. Files are identified by their inode. The shim makes
 * system calls directly, so that it can define the functions of libc itself.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum op {
    OP_CREATE = 1, OP_MKDIR = 2, OP_WRITE = 3, OP_SET_LEN = 4, OP_EXTEND = 5, OP_ZERO = 6, OP_SYNC_BEGIN = 7,
    OP_SYNC_END = 8, OP_SYNC_FAILED = 9, OP_SYNC_RANGE = 10, OP_RENAME = 11, OP_LINK = 12, OP_UNLINK = 13,
    OP_RMDIR = 14, OP_UNKNOWN = 15
};

struct header {
    uint32_t length; /* of the whole record */
    uint16_t op;
    uint16_t first;  /* length of the first path */
    uint16_t second; /* length of the second path */
    uint16_t flags;
    uint32_t zero;
    uint64_t file;
    uint64_t a;
    uint64_t b;
};

static char root[4096];
static size_t root_length;
static int trace = -1;
static long fail_at, syncs, later_syncs, delay_us;
static const char *fail_later;
static int ignore_fdatasync, ignore_fsync_dir;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

__attribute__((constructor)) static void start(void) {
    const char *directory = getenv("CRASH_ROOT"), *file = getenv("CRASH_TRACE"), *text;
    if (!directory || !file || strlen(directory) >= sizeof root) return;
    if ((text = getenv("CRASH_FAIL_SYNC"))) fail_at = atol(text);
    if ((text = getenv("CRASH_SYNC_DELAY_US"))) delay_us = atol(text);
    fail_later = getenv("CRASH_FAIL_LATER");
    ignore_fdatasync = getenv("CRASH_IGNORE_FDATASYNC") != NULL;
    ignore_fsync_dir = getenv("CRASH_IGNORE_FSYNC_DIR") != NULL;
    trace = (int)syscall(SYS_openat, AT_FDCWD, file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    if (trace < 0) return;
    strcpy(root, directory);
    root_length = strlen(root);
}

/* Returns the part of an absolute path below the root; NULL if it is not below it. */
static const char *below(const char *path) {
    if (!root_length || strncmp(path, root, root_length)) return NULL;
    if (path[root_length] == '\0') return "";
    return path[root_length] == '/' ? path + root_length + 1 : NULL;
}

/* Returns the path of a descriptor's file or directory below the root; NULL if it is not below it. */
static const char *of_fd(int fd, char *buffer, size_t size, struct stat *status) {
    int before = errno;
    const char *found = NULL;
    char link[64];
    struct stat own;
    if (!status) status = &own;
    if (root_length && fd >= 0 && !fstat(fd, status) && (S_ISREG(status->st_mode) || S_ISDIR(status->st_mode))) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        ssize_t length = readlink(link, buffer, size - 1);
        if (length > 0) {
            buffer[length] = '\0';
            found = below(buffer);
        }
    }
    errno = before;
    return found;
}

/* The same for a path relative to a directory descriptor. */
static const char *of_path(int at, const char *path, char *buffer, size_t size) {
    int before = errno;
    if (!root_length || !path) return NULL;
    if (path[0] == '/') {
        snprintf(buffer, size, "%s", path);
    } else {
        char link[64];
        if (at == AT_FDCWD) snprintf(link, sizeof link, "/proc/self/cwd");
        else snprintf(link, sizeof link, "/proc/self/fd/%d", at);
        ssize_t length = readlink(link, buffer, size - 1);
        errno = before;
        if (length <= 0) return NULL;
        snprintf(buffer + length, size - (size_t)length, "/%s", path);
    }
    size_t length = strlen(buffer);
    while (length > 1 && buffer[length - 1] == '/') buffer[--length] = '\0';
    return below(buffer);
}

static void record(enum op op, uint16_t flags, uint64_t file, uint64_t a, uint64_t b, const char *first,
                   const char *second, const struct iovec *data, int count, size_t most) {
    int before = errno;
    struct header header = {.op = (uint16_t)op, .flags = flags, .file = file, .a = a, .b = b};
    struct iovec pieces[3 + IOV_MAX];
    int used = 3;
    size_t length = sizeof header;
    header.first = (uint16_t)(first ? strlen(first) : 0);
    header.second = (uint16_t)(second ? strlen(second) : 0);
    pieces[0] = (struct iovec){&header, sizeof header};
    pieces[1] = (struct iovec){(void *)(first ? first : ""), header.first};
    pieces[2] = (struct iovec){(void *)(second ? second : ""), header.second};
    length += header.first + header.second;
    for (int i = 0; i < count && most; i++) {
        size_t piece = data[i].iov_len < most ? data[i].iov_len : most;
        if (used == IOV_MAX) break;
        pieces[used++] = (struct iovec){data[i].iov_base, piece};
        most -= piece;
        length += piece;
    }
    header.length = (uint32_t)length;
    if (syscall(SYS_writev, trace, pieces, used) != (long)length) {
        static const char message[] = "crash shim: cannot write the trace\n";
        syscall(SYS_write, 2, message, sizeof message - 1);
        _exit(86);
    }
    errno = before;
}

static void done(enum op op, uint64_t file, const char *first, const char *second) {
    record(op, 0, file, 0, 0, first, second, NULL, 0, 0);
}

/* Opening. */

static int open_any(int at, const char *path, int flags, mode_t mode) {
    char buffer[8192];
    const char *name = flags & (O_CREAT | O_TRUNC) ? of_path(at, path, buffer, sizeof buffer) : NULL;
    if (!name) return (int)syscall(SYS_openat, at, path, flags, mode);
    pthread_mutex_lock(&lock);
    struct stat was, is;
    int before = errno;
    int was_there = !lstat(buffer, &was);
    errno = before;
    int fd = (int)syscall(SYS_openat, at, path, flags, mode);
    if (fd >= 0 && !fstat(fd, &is)) {
        if (!was_there) done(OP_CREATE, is.st_ino, name, NULL);
        else if (flags & O_TRUNC && was.st_size > 0) record(OP_SET_LEN, 0, is.st_ino, 0, 0, name, NULL, NULL, 0, 0);
    }
    pthread_mutex_unlock(&lock);
    return fd;
}

#define OPEN_MODE(last)                        \
    mode_t mode = 0;                           \
    if (flags & (O_CREAT | O_TMPFILE)) {       \
        va_list more;                          \
        va_start(more, last);                  \
        mode = (mode_t)va_arg(more, int);      \
        va_end(more);                          \
    }

int open(const char *path, int flags, ...) { OPEN_MODE(flags) return open_any(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { OPEN_MODE(flags) return open_any(AT_FDCWD, path, flags, mode); }
int openat(int at, const char *path, int flags, ...) { OPEN_MODE(flags) return open_any(at, path, flags, mode); }
int openat64(int at, const char *path, int flags, ...) { OPEN_MODE(flags) return open_any(at, path, flags, mode); }
int creat(const char *path, mode_t mode) { return open_any(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }
int creat64(const char *path, mode_t mode) { return open_any(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }

/* Writing. */

static ssize_t call_write(int fd, const struct iovec *data, int count, off_t offset) {
    if (offset < 0) return syscall(SYS_writev, fd, data, count);
    return syscall(SYS_pwritev, fd, data, count, (unsigned long)offset, 0UL);
}

static ssize_t write_any(int fd, const struct iovec *data, int count, off_t offset) {
    char buffer[8192];
    struct stat status;
    const char *name = of_fd(fd, buffer, sizeof buffer, &status);
    if (!name) return call_write(fd, data, count, offset);
    pthread_mutex_lock(&lock);
    ssize_t written = call_write(fd, data, count, offset);
    if (written > 0) {
        int before = errno;
        off_t at = offset;
        if (offset < 0) at = (off_t)syscall(SYS_lseek, fd, 0, SEEK_CUR) - written;
        else if (fcntl(fd, F_GETFL) & O_APPEND && !fstat(fd, &status)) at = status.st_size - written;
        errno = before;
        record(OP_WRITE, 0, status.st_ino, (uint64_t)at, (uint64_t)written, name, NULL, data, count, (size_t)written);
    }
    pthread_mutex_unlock(&lock);
    return written;
}

ssize_t write(int fd, const void *data, size_t size) {
    struct iovec piece = {(void *)data, size};
    return write_any(fd, &piece, 1, -1);
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) {
    struct iovec piece = {(void *)data, size};
    return write_any(fd, &piece, 1, offset);
}
ssize_t pwrite64(int fd, const void *data, size_t size, off_t offset) { return pwrite(fd, data, size, offset); }
ssize_t writev(int fd, const struct iovec *data, int count) { return write_any(fd, data, count, -1); }
ssize_t pwritev(int fd, const struct iovec *data, int count, off_t at) { return write_any(fd, data, count, at); }
ssize_t pwritev64(int fd, const struct iovec *data, int count, off_t at) { return write_any(fd, data, count, at); }

/* Records a copy inside the kernel as a write, with the bytes read from the source. */
static void copied(int in, off_t from, int out, off_t to, size_t size) {
    char buffer[8192];
    struct stat status;
    const char *name = of_fd(out, buffer, sizeof buffer, &status);
    char *data = malloc(size);
    if (!name) {
        free(data);
        return;
    }
    struct iovec piece = {data, size};
    if (data && syscall(SYS_pread64, in, data, size, from) == (long)size)
        record(OP_WRITE, 0, status.st_ino, (uint64_t)to, size, name, NULL, &piece, 1, size);
    else done(OP_UNKNOWN, status.st_ino, name, "copy");
    free(data);
}

ssize_t copy_file_range(int in, off_t *in_at, int out, off_t *out_at, size_t size, unsigned flags) {
    pthread_mutex_lock(&lock);
    ssize_t moved = syscall(SYS_copy_file_range, in, in_at, out, out_at, size, flags);
    if (moved > 0) {
        off_t from = (in_at ? *in_at : (off_t)syscall(SYS_lseek, in, 0, SEEK_CUR)) - moved;
        off_t to = (out_at ? *out_at : (off_t)syscall(SYS_lseek, out, 0, SEEK_CUR)) - moved;
        copied(in, from, out, to, (size_t)moved);
    }
    pthread_mutex_unlock(&lock);
    return moved;
}
ssize_t sendfile(int out, int in, off_t *in_at, size_t size) {
    pthread_mutex_lock(&lock);
    ssize_t moved = syscall(SYS_sendfile, out, in, in_at, size);
    if (moved > 0) {
        int before = errno;
        off_t from = (in_at ? *in_at : (off_t)syscall(SYS_lseek, in, 0, SEEK_CUR)) - moved;
        off_t to = (off_t)syscall(SYS_lseek, out, 0, SEEK_CUR) - moved;
        errno = before;
        copied(in, from, out, to, (size_t)moved);
    }
    pthread_mutex_unlock(&lock);
    return moved;
}
ssize_t sendfile64(int out, int in, off_t *in_at, size_t size) { return sendfile(out, in, in_at, size); }

/* Lengths. */

int ftruncate(int fd, off_t length) {
    char buffer[8192];
    struct stat status;
    const char *name = of_fd(fd, buffer, sizeof buffer, &status);
    if (!name) return (int)syscall(SYS_ftruncate, fd, length);
    pthread_mutex_lock(&lock);
    int result = (int)syscall(SYS_ftruncate, fd, length);
    if (!result) record(OP_SET_LEN, 0, status.st_ino, (uint64_t)length, 0, name, NULL, NULL, 0, 0);
    pthread_mutex_unlock(&lock);
    return result;
}
int ftruncate64(int fd, off_t length) { return ftruncate(fd, length); }

int truncate(const char *path, off_t length) {
    char buffer[8192];
    struct stat status;
    const char *name = of_path(AT_FDCWD, path, buffer, sizeof buffer);
    if (!name) return (int)syscall(SYS_truncate, path, length);
    pthread_mutex_lock(&lock);
    int result = (int)syscall(SYS_truncate, path, length);
    if (!result && !stat(path, &status))
        record(OP_SET_LEN, 0, status.st_ino, (uint64_t)length, 0, name, NULL, NULL, 0, 0);
    pthread_mutex_unlock(&lock);
    return result;
}
int truncate64(const char *path, off_t length) { return truncate(path, length); }

int fallocate(int fd, int mode, off_t offset, off_t length) {
    char buffer[8192];
    struct stat status;
    const char *name = of_fd(fd, buffer, sizeof buffer, &status);
    if (!name) return (int)syscall(SYS_fallocate, fd, mode, offset, length);
    pthread_mutex_lock(&lock);
    int result = (int)syscall(SYS_fallocate, fd, mode, offset, length);
    if (!result) {
        uint64_t file = status.st_ino, at = (uint64_t)offset, size = (uint64_t)length;
        int zeroes = mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE);
        int known = FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE;
        if (mode & ~known) done(OP_UNKNOWN, file, name, "fallocate");
        if (!(mode & FALLOC_FL_KEEP_SIZE)) record(OP_EXTEND, 0, file, at + size, 0, name, NULL, NULL, 0, 0);
        if (zeroes) record(OP_ZERO, 0, file, at, size, name, NULL, NULL, 0, 0);
    }
    pthread_mutex_unlock(&lock);
    return result;
}
int fallocate64(int fd, int mode, off_t offset, off_t length) { return fallocate(fd, mode, offset, length); }
int posix_fallocate(int fd, off_t offset, off_t length) { return fallocate(fd, 0, offset, length) ? errno : 0; }
int posix_fallocate64(int fd, off_t offset, off_t length) { return posix_fallocate(fd, offset, length); }

/* Syncing. */

/* Returns whether the sync with this number must fail. */
static int is_to_fail(long number) {
    struct stat status;
    int before = errno;
    int later = fail_later && !stat(fail_later, &status) && ++later_syncs == status.st_size;
    errno = before;
    return later || number == fail_at;
}

static int sync_any(int fd, int data_only) {
    char buffer[8192];
    struct stat status;
    long call = data_only ? SYS_fdatasync : SYS_fsync;
    const char *name = of_fd(fd, buffer, sizeof buffer, &status);
    if (!name) return (int)syscall(call, fd);
    uint16_t is_directory = S_ISDIR(status.st_mode) != 0;
    uint16_t flags = (uint16_t)(is_directory | (data_only ? 2 : 0));
    int ignored = (data_only && ignore_fdatasync) || (is_directory && ignore_fsync_dir);
    pthread_mutex_lock(&lock);
    long number = ++syncs;
    if (is_to_fail(number)) {
        record(OP_SYNC_FAILED, flags, status.st_ino, (uint64_t)number, 0, name, NULL, NULL, 0, 0);
        pthread_mutex_unlock(&lock);
        errno = EIO;
        return -1;
    }
    uint64_t process = (uint64_t)getpid();
    if (!ignored) record(OP_SYNC_BEGIN, flags, status.st_ino, (uint64_t)number, process, name, NULL, NULL, 0, 0);
    pthread_mutex_unlock(&lock);
    int result = (int)syscall(call, fd);
    if (delay_us) usleep((useconds_t)delay_us);
    pthread_mutex_lock(&lock);
    if (!result && !ignored)
        record(OP_SYNC_END, flags, status.st_ino, (uint64_t)number, process, name, NULL, NULL, 0, 0);
    pthread_mutex_unlock(&lock);
    return result;
}

int fsync(int fd) { return sync_any(fd, 0); }
int fdatasync(int fd) { return sync_any(fd, 1); }

/* Starts or waits for writes but sends no flush to the disk, so nothing becomes durable. */
int sync_file_range(int fd, off_t offset, off_t length, unsigned flags) {
    char buffer[8192];
    struct stat status;
    const char *name = of_fd(fd, buffer, sizeof buffer, &status);
    int result = (int)syscall(SYS_sync_file_range, fd, offset, length, flags);
    if (name && !result) {
        pthread_mutex_lock(&lock);
        record(OP_SYNC_RANGE, 0, status.st_ino, (uint64_t)offset, (uint64_t)length, name, NULL, NULL, 0, 0);
        pthread_mutex_unlock(&lock);
    }
    return result;
}
int sync_file_range64(int fd, off_t at, off_t length, unsigned flags) { return sync_file_range(fd, at, length, flags); }

/* Names. */

int renameat2(int from_at, const char *from, int to_at, const char *to, unsigned flags) {
    char old[8192], new[8192];
    struct stat status = {0};
    const char *first = of_path(from_at, from, old, sizeof old), *second = of_path(to_at, to, new, sizeof new);
    if (!first && !second) return (int)syscall(SYS_renameat2, from_at, from, to_at, to, flags);
    pthread_mutex_lock(&lock);
    int before = errno;
    lstat(old, &status);
    errno = before;
    int result = (int)syscall(SYS_renameat2, from_at, from, to_at, to, flags);
    if (!result) {
        if (flags & ~(unsigned)RENAME_NOREPLACE || !first) done(OP_UNKNOWN, status.st_ino, second, "rename");
        else if (!second) done(S_ISDIR(status.st_mode) ? OP_RMDIR : OP_UNLINK, status.st_ino, first, NULL);
        else done(OP_RENAME, status.st_ino, first, second);
    }
    pthread_mutex_unlock(&lock);
    return result;
}
int renameat(int from_at, const char *from, int to_at, const char *to) { return renameat2(from_at, from, to_at, to, 0); }
int rename(const char *from, const char *to) { return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0); }

int linkat(int from_at, const char *from, int to_at, const char *to, int flags) {
    char new[8192];
    struct stat status = {0};
    const char *name = of_path(to_at, to, new, sizeof new);
    if (!name) return (int)syscall(SYS_linkat, from_at, from, to_at, to, flags);
    pthread_mutex_lock(&lock);
    int result = (int)syscall(SYS_linkat, from_at, from, to_at, to, flags);
    if (!result && !stat(new, &status)) done(OP_LINK, status.st_ino, name, NULL);
    pthread_mutex_unlock(&lock);
    return result;
}
int link(const char *from, const char *to) { return linkat(AT_FDCWD, from, AT_FDCWD, to, 0); }

int unlinkat(int at, const char *path, int flags) {
    char buffer[8192];
    const char *name = of_path(at, path, buffer, sizeof buffer);
    if (!name) return (int)syscall(SYS_unlinkat, at, path, flags);
    pthread_mutex_lock(&lock);
    int result = (int)syscall(SYS_unlinkat, at, path, flags);
    if (!result) done(flags & AT_REMOVEDIR ? OP_RMDIR : OP_UNLINK, 0, name, NULL);
    pthread_mutex_unlock(&lock);
    return result;
}
int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }

int mkdirat(int at, const char *path, mode_t mode) {
    char buffer[8192];
    struct stat status = {0};
    const char *name = of_path(at, path, buffer, sizeof buffer);
    if (!name) return (int)syscall(SYS_mkdirat, at, path, mode);
    pthread_mutex_lock(&lock);
    int result = (int)syscall(SYS_mkdirat, at, path, mode);
    if (!result && !stat(buffer, &status)) done(OP_MKDIR, status.st_ino, name, NULL);
    pthread_mutex_unlock(&lock);
    return result;
}
int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }
