/* Writes down, in order, everything a process asks of the disk below one directory, so that any power cut can be played afterwards.
 *
 * A library to be preloaded: RECORDER_ROOT names the directory, RECORDER_LOG the file that takes the records. One record is
 *     char what, uint32 fd, uint64 a, uint64 b, uint32 length of data, data          (native byte order, packed)
 *     o fd flags            path   opened, path absolute      c fd            closed
 *     w fd offset           bytes  written                    t fd size       cut or grown to size
 *     s fd                         fsync or fdatasync         a fd offset n   room allocated
 *     m fd                         mapped shared and writable f fd                         fsync or fdatasync, which failed
 *     u                     path   unlinked                   d               path      directory made
 *     r length of old path  both   renamed, paths joined      k               bytes     a mark of the application
 * What the log lacks of what happened shows in the end: the files it leads to are compared with those on the disk.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define FDS 4096

static char root[PATH_MAX];
static size_t root_length;
static int log_fd = -1;
static unsigned char watched[FDS]; /* 1: a file, 2: the directory itself */
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

__attribute__((constructor)) static void begin(void)
{
    const char *directory = getenv("RECORDER_ROOT"), *log = getenv("RECORDER_LOG");
    if (!directory || !log || strlen(directory) >= sizeof root)
        return;
    strcpy(root, directory);
    root_length = strlen(root);
    log_fd = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

#define REAL(name) ((__typeof__(&name))real(#name))

static void *real(const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);
    if (!found) {
        fprintf(stderr, "recorder: this C library has no %s\n", name);
        abort();
    }
    return found;
}

/* The caller holds `turn`, so that the log has the order in which the kernel saw the calls. */
static void note(char what, int fd, uint64_t a, uint64_t b, const void *data, size_t length, const void *more, size_t more_length)
{
    struct __attribute__((packed)) { char what; uint32_t fd; uint64_t a, b; uint32_t length; } head =
        { what, (uint32_t)fd, a, b, (uint32_t)(length + more_length) };
    struct iovec parts[3] = { { &head, sizeof head }, { (void *)data, length }, { (void *)more, more_length } };
    ssize_t wanted = (ssize_t)(sizeof head + length + more_length);
    if (syscall(SYS_writev, log_fd, parts, 3) != wanted) {
        fprintf(stderr, "recorder: the log cannot be written: %s\n", strerror(errno));
        abort();
    }
}

static int is_watched(int fd)
{
    return log_fd >= 0 && fd >= 0 && fd < FDS && watched[fd];
}

/* `path` made absolute into `full`; whether it lies at or below the root. */
static int below(int directory, const char *path, char full[PATH_MAX])
{
    if (log_fd < 0 || !path)
        return 0;
    if (path[0] == '/') {
        if (snprintf(full, PATH_MAX, "%s", path) >= PATH_MAX)
            return 0;
    } else {
        char base[PATH_MAX];
        if (directory == AT_FDCWD) {
            if (!getcwd(base, sizeof base))
                return 0;
        } else {
            char link[64];
            snprintf(link, sizeof link, "/proc/self/fd/%d", directory);
            ssize_t n = readlink(link, base, sizeof base - 1);
            if (n < 0)
                return 0;
            base[n] = 0;
        }
        if (snprintf(full, PATH_MAX, "%s/%s", base, path) >= PATH_MAX)
            return 0;
    }
    return !strncmp(full, root, root_length) && (full[root_length] == '/' || !full[root_length]);
}

static int opened(int directory, const char *path, int flags, mode_t mode)
{
    char full[PATH_MAX];
    if (!below(directory, path, full))
        return (int)syscall(SYS_openat, directory, path, flags, mode);
    pthread_mutex_lock(&turn);
    int fd = (int)syscall(SYS_openat, directory, path, flags, mode);
    int kept = errno;
    if (fd >= FDS)
        abort();
    if (fd >= 0) {
        watched[fd] = full[root_length] ? 1 : 2;
        note('o', fd, (uint64_t)flags, 0, full, strlen(full), "", 0);
    }
    pthread_mutex_unlock(&turn);
    errno = kept;
    return fd;
}

#define MODE(flags) \
    mode_t mode = 0; \
    if ((flags) & (O_CREAT | __O_TMPFILE)) { va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); }

int open(const char *path, int flags, ...) { MODE(flags) return opened(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE(flags) return opened(AT_FDCWD, path, flags, mode); }
int openat(int directory, const char *path, int flags, ...) { MODE(flags) return opened(directory, path, flags, mode); }
int openat64(int directory, const char *path, int flags, ...) { MODE(flags) return opened(directory, path, flags, mode); }
int __open_2(const char *path, int flags) { return opened(AT_FDCWD, path, flags, 0); }
int __open64_2(const char *path, int flags) { return opened(AT_FDCWD, path, flags, 0); }

int close(int fd)
{
    if (!is_watched(fd))
        return REAL(close)(fd);
    pthread_mutex_lock(&turn);
    watched[fd] = 0;
    note('c', fd, 0, 0, "", 0, "", 0);
    int result = REAL(close)(fd);
    pthread_mutex_unlock(&turn);
    return result;
}

static long failing_in;
static int failing_with;

static int failing_directories;

/* For the application: the `n`th call from now that writes, cuts or syncs a file, or the directory, fails with `error`, once. 0: none does. */
void recorder_fail(long n, int error, int directories)
{
    pthread_mutex_lock(&turn);
    failing_in = n;
    failing_directories = directories;
    failing_with = error;
    pthread_mutex_unlock(&turn);
}

static int fails(int fd, int syncs)
{
    if (!is_watched(fd))
        return 0;
    pthread_mutex_lock(&turn);
    int now = failing_in > 0 && (watched[fd] == 1 || failing_directories) && !--failing_in;
    if (now && syncs)
        note('f', fd, 0, 0, "", 0, "", 0);
    pthread_mutex_unlock(&turn);
    if (now)
        errno = failing_with;
    return now;
}

/* Runs `call` in its turn and notes it if it went well. */
#define NOTED(fd, type, call, good, what, a, b, data, length) \
    if (strchr("wts", what) && fails(fd, what == 's')) return -1; \
    if (!is_watched(fd)) return call; \
    pthread_mutex_lock(&turn); \
    type result = call; \
    int kept = errno; \
    if (good) note(what, fd, a, b, data, length, "", 0); \
    pthread_mutex_unlock(&turn); \
    errno = kept; \
    return result;

ssize_t pwrite(int fd, const void *data, size_t n, off_t at)
{
    NOTED(fd, ssize_t, REAL(pwrite)(fd, data, n, at), result > 0, 'w', (uint64_t)at, 0, data, (size_t)result)
}

ssize_t pwrite64(int fd, const void *data, size_t n, off64_t at)
{
    NOTED(fd, ssize_t, REAL(pwrite64)(fd, data, n, at), result > 0, 'w', (uint64_t)at, 0, data, (size_t)result)
}

ssize_t write(int fd, const void *data, size_t n)
{
    /* Afterwards the position stands behind what was written, with O_APPEND too. */
    NOTED(fd, ssize_t, REAL(write)(fd, data, n), result > 0, 'w', (uint64_t)(lseek(fd, 0, SEEK_CUR) - result), 0, data, (size_t)result)
}

static ssize_t written_parts(int fd, const struct iovec *parts, int count, off64_t at, int positioned)
{
    ssize_t total = 0;
    for (int i = 0; i < count; i++) {
        ssize_t n = positioned ? pwrite64(fd, parts[i].iov_base, parts[i].iov_len, at + total) : write(fd, parts[i].iov_base, parts[i].iov_len);
        if (n < 0)
            return total ? total : n;
        total += n;
        if ((size_t)n < parts[i].iov_len)
            break;
    }
    return total;
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    return is_watched(fd) ? written_parts(fd, parts, count, 0, 0) : REAL(writev)(fd, parts, count);
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at)
{
    return is_watched(fd) ? written_parts(fd, parts, count, at, 1) : REAL(pwritev)(fd, parts, count, at);
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t at)
{
    return is_watched(fd) ? written_parts(fd, parts, count, at, 1) : REAL(pwritev64)(fd, parts, count, at);
}

int ftruncate(int fd, off_t size) { NOTED(fd, int, REAL(ftruncate)(fd, size), !result, 't', (uint64_t)size, 0, "", 0) }
int ftruncate64(int fd, off64_t size) { NOTED(fd, int, REAL(ftruncate64)(fd, size), !result, 't', (uint64_t)size, 0, "", 0) }
int fsync(int fd) { NOTED(fd, int, REAL(fsync)(fd), !result, 's', 0, 0, "", 0) }
int fdatasync(int fd) { NOTED(fd, int, REAL(fdatasync)(fd), !result, 's', 0, 0, "", 0) }

int posix_fallocate(int fd, off_t at, off_t n)
{
    NOTED(fd, int, REAL(posix_fallocate)(fd, at, n), !result, 'a', (uint64_t)at, (uint64_t)n, "", 0)
}

int posix_fallocate64(int fd, off64_t at, off64_t n)
{
    NOTED(fd, int, REAL(posix_fallocate64)(fd, at, n), !result, 'a', (uint64_t)at, (uint64_t)n, "", 0)
}

static int shared(int fd, int protection, int flags)
{
    return is_watched(fd) && (protection & PROT_WRITE) && (flags & MAP_SHARED);
}

void *mmap(void *address, size_t n, int protection, int flags, int fd, off_t at)
{
    if (shared(fd, protection, flags)) {
        pthread_mutex_lock(&turn);
        note('m', fd, 0, 0, "", 0, "", 0);
        pthread_mutex_unlock(&turn);
    }
    return (void *)syscall(SYS_mmap, address, n, protection, flags, fd, at);
}

void *mmap64(void *address, size_t n, int protection, int flags, int fd, off64_t at)
{
    return mmap(address, n, protection, flags, fd, at);
}

static int named(char what, int directory, const char *path, int (*call)(const char *), int (*call_at)(int, const char *, int), int flags)
{
    char full[PATH_MAX];
    int ours = below(directory, path, full);
    if (ours)
        pthread_mutex_lock(&turn);
    int result = call ? call(path) : call_at(directory, path, flags);
    int kept = errno;
    if (ours) {
        if (!result)
            note(what, 0, 0, 0, full, strlen(full), "", 0);
        pthread_mutex_unlock(&turn);
    }
    errno = kept;
    return result;
}

int unlink(const char *path) { return named('u', AT_FDCWD, path, REAL(unlink), NULL, 0); }
int unlinkat(int directory, const char *path, int flags) { return named('u', directory, path, NULL, REAL(unlinkat), flags); }

int mkdir(const char *path, mode_t mode)
{
    char full[PATH_MAX];
    if (!below(AT_FDCWD, path, full))
        return REAL(mkdir)(path, mode);
    pthread_mutex_lock(&turn);
    int result = REAL(mkdir)(path, mode), kept = errno;
    if (!result)
        note('d', 0, 0, 0, full, strlen(full), "", 0);
    pthread_mutex_unlock(&turn);
    errno = kept;
    return result;
}

static int moved(int from_directory, const char *from, int to_directory, const char *to)
{
    char old[PATH_MAX], new[PATH_MAX];
    int ours = below(from_directory, from, old);
    if (below(to_directory, to, new) != ours)
        abort(); /* into or out of the watched directory: no replay could follow */
    if (ours)
        pthread_mutex_lock(&turn);
    int result = REAL(renameat)(from_directory, from, to_directory, to), kept = errno;
    if (ours) {
        if (!result)
            note('r', 0, strlen(old), 0, old, strlen(old), new, strlen(new));
        pthread_mutex_unlock(&turn);
    }
    errno = kept;
    return result;
}

int rename(const char *from, const char *to) { return moved(AT_FDCWD, from, AT_FDCWD, to); }
int renameat(int from_directory, const char *from, int to_directory, const char *to) { return moved(from_directory, from, to_directory, to); }

/* For the application: what it has promised by now. */
void recorder_mark(const char *data, uint32_t length)
{
    if (log_fd < 0)
        return;
    pthread_mutex_lock(&turn);
    note('k', 0, 0, 0, data, length, "", 0);
    pthread_mutex_unlock(&turn);
}
