/*
 * Sets the clock of a process ahead or back. Loaded with LD_PRELOAD; src/shim.rs compiles it.
 *
 *   CRASH_CLOCK   file with the offset: a signed number of microseconds, 8 bytes in the byte order of the machine. A change of the
 *                 file takes effect at once.
 *
 * Only the time of day changes: monotonic clocks are those of the machine.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *offset_us;
static int (*real)(clockid_t, struct timespec *);

__attribute__((constructor)) static void start(void) {
    const char *path = getenv("CRASH_CLOCK");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0) return;
    void *mapped = mmap(NULL, sizeof *offset_us, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (mapped != MAP_FAILED) offset_us = mapped;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    /* The function of libc reads the clock without a system call. */
    if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int result = real ? real(clock, time) : (int)syscall(SYS_clock_gettime, clock, time);
    if (result || !offset_us || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE)) return result;
    int64_t us = time->tv_nsec / 1000 + *offset_us, seconds = us / 1000000, rest = us % 1000000;
    if (rest < 0) { rest += 1000000; seconds -= 1; }
    time->tv_sec += seconds;
    time->tv_nsec = rest * 1000 + time->tv_nsec % 1000;
    return 0;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    struct timespec now;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &now)) return -1;
    time->tv_sec = now.tv_sec;
    time->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *into) {
    struct timespec now;
    if (clock_gettime(CLOCK_REALTIME, &now)) return -1;
    if (into) *into = now.tv_sec;
    return now.tv_sec;
}
