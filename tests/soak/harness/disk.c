/* A disk that fails on command, to be preloaded into the program under test (see disk.py).
 *
 * The library affects only files under the folder TESTDISK_FOLDER. The numbers in the file TESTDISK_CONTROL say what
 * the library does. This file is mapped into memory, so that a test can change the numbers while the program runs.
 *
 * If TESTDISK_SHADOW names a folder, the library keeps in that folder what a power cut would leave: the content of each
 * file at its last fsync, and the names in each folder at that folder's last fsync. What existed when the process
 * started counts as synced.
 *
 * Writes through a file descriptor made by dup(), and through mmap(), are not noticed. SQLite maps the -shm only.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#define FDS 65536
#define FILES 4096
#define WHOLE INT64_MAX

struct control { /* in the same order as FIELDS in disk.py */
    int64_t write_error, sync_error, read_error, sync_delay_ms, room;
    int64_t kill_at_write, kill_at_sync, kill_at_step;
    int64_t writes, syncs, steps;
    char only[40]; /* errors apply to files whose names end with this text; all files if it is empty */
};

struct file {
    ino_t number;
    int shadow, anchor, reader; /* the anchor keeps the inode in use, so that no other file gets its number */
    int64_t low, high;  /* everything written since the last sync lies between these offsets */
    char name[NAME_MAX + 1];
};

static struct control nothing = {.room = -1}, *control = &nothing;
static char folder[PATH_MAX], shadows[PATH_MAX];
static size_t folder_length;
static struct file files[FILES];
static int file_count, by_fd[FDS]; /* 0: a file outside the folder; -1: a folder; else the index in `files` plus one */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static int plain_open(const char *path, int flags, mode_t mode) {
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, mode);
}

static int ours(int at, const char *path, char *full) {
    if (!folder_length || !path) return 0;
    if (path[0] == '/') {
        if (snprintf(full, PATH_MAX, "%s", path) >= PATH_MAX) return 0;
    } else {
        char base[PATH_MAX], link[64];
        ssize_t length;
        snprintf(link, sizeof link, at == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", at);
        if ((length = readlink(link, base, sizeof base - 1)) < 0) return 0;
        base[length] = 0;
        if (snprintf(full, PATH_MAX, "%s/%s", base, path) >= PATH_MAX) return 0;
    }
    return !strncmp(full, folder, folder_length) && (full[folder_length] == '/' || !full[folder_length]);
}

static int meant(const char *path) {
    size_t length = strlen(path), end = strnlen(control->only, sizeof control->only);
    return length >= end && !memcmp(path + length - end, control->only, end);
}

static void die(void) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

static void step(void) {
    if (__atomic_add_fetch(&control->steps, 1, __ATOMIC_SEQ_CST) == control->kill_at_step) die();
}

static void copy(int from, int to, int64_t low, int64_t high) {
    static char block[1 << 16]; /* protected by `lock`, which the caller holds */
    struct stat now;
    if (fstat(from, &now)) return;
    if (high > now.st_size) high = now.st_size;
    while (low < high) {
        size_t wanted = (size_t)(high - low) < sizeof block ? (size_t)(high - low) : sizeof block;
        ssize_t got = syscall(SYS_pread64, from, block, wanted, low);
        if (got <= 0 || syscall(SYS_pwrite64, to, block, got, low) != got) break;
        low += got;
    }
    syscall(SYS_ftruncate, to, now.st_size);
}

/* Find or make the entry of a file. If `existed`, the content of the file counts as synced. The caller holds `lock`. */
static struct file *entry(const char *path, int existed) {
    struct stat now;
    char name[PATH_MAX + 32];
    if (stat(path, &now) || !S_ISREG(now.st_mode)) return NULL;
    for (int place = 0; place < file_count; place++)
        if (files[place].number == now.st_ino) return &files[place];
    if (file_count == FILES) abort();
    struct file *file = &files[file_count++];
    *file = (struct file){.number = now.st_ino, .shadow = -1, .reader = -1, .low = WHOLE};
    file->anchor = plain_open(path, O_PATH, 0);
    if (shadows[0]) {
        snprintf(name, sizeof name, "%s/file-%lu", shadows, (unsigned long)now.st_ino);
        file->shadow = plain_open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
        int from = existed && now.st_size ? plain_open(path, O_RDONLY, 0) : -1;
        if (from >= 0) {
            copy(from, file->shadow, 0, WHOLE);
            syscall(SYS_close, from);
        }
    }
    return file;
}

/* Record the names that are in a folder now. The caller holds `lock`. */
static void keep_names(const char *path) {
    char name[PATH_MAX + 32], part[PATH_MAX + 40], line[PATH_MAX];
    struct stat now;
    struct dirent *found;
    if (!shadows[0] || stat(path, &now)) return;
    snprintf(name, sizeof name, "%s/names-%lu", shadows, (unsigned long)now.st_ino);
    snprintf(part, sizeof part, "%s.part", name);
    int to = plain_open(part, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    DIR *open_folder = opendir(path);
    if (!open_folder || to < 0) abort();
    while ((found = readdir(open_folder))) {
        if (!strcmp(found->d_name, ".") || !strcmp(found->d_name, "..")) continue;
        int length = snprintf(line, sizeof line, "%lu %s\n", (unsigned long)found->d_ino, found->d_name);
        syscall(SYS_write, to, line, length);
    }
    closedir(open_folder);
    syscall(SYS_close, to);
    syscall(SYS_renameat2, AT_FDCWD, part, AT_FDCWD, name, 0);
}

static void keep_all_names(const char *path) {
    struct dirent *found;
    char below[PATH_MAX];
    DIR *open_folder = opendir(path);
    if (!open_folder) return;
    keep_names(path);
    while ((found = readdir(open_folder)))
        if (found->d_type == DT_DIR && strcmp(found->d_name, ".") && strcmp(found->d_name, ".."))
            if (snprintf(below, sizeof below, "%s/%s", path, found->d_name) < PATH_MAX) keep_all_names(below);
    closedir(open_folder);
}

__attribute__((constructor)) static void begin(void) {
    const char *where = getenv("TESTDISK_FOLDER"), *told = getenv("TESTDISK_CONTROL"), *kept = getenv("TESTDISK_SHADOW");
    char owner[PATH_MAX + 16], text[32] = "";
    if (!where || !told) return;
    int fd = plain_open(told, O_RDWR, 0);
    void *mapped = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (mapped == MAP_FAILED) return;
    syscall(SYS_close, fd);
    control = mapped;
    snprintf(folder, sizeof folder, "%s", where);
    if (kept) { /* only in the first process: its children would find files that are not synced yet */
        snprintf(owner, sizeof owner, "%s/owner", kept);
        snprintf(text, sizeof text, "%d", getpid());
        int own = plain_open(owner, O_WRONLY | O_CREAT | O_EXCL, 0600);
        if (own < 0) {
            char other[32] = "";
            own = plain_open(owner, O_RDONLY, 0);
            if (own < 0 || read(own, other, sizeof other - 1) <= 0 || strcmp(other, text)) return;
        } else
            syscall(SYS_write, own, text, strlen(text));
        snprintf(shadows, sizeof shadows, "%s", kept);
        keep_all_names(folder);
    }
    folder_length = strlen(folder);
}

static int open_at(int at, const char *path, int flags, mode_t mode) {
    char full[PATH_MAX];
    struct stat before;
    if (!ours(at, path, full)) return (int)syscall(SYS_openat, at, path, flags, mode);
    int existed = !stat(full, &before), writing = (flags & O_ACCMODE) != O_RDONLY;
    if (flags & O_DIRECTORY || (existed && S_ISDIR(before.st_mode))) {
        int fd = (int)syscall(SYS_openat, at, path, flags, mode);
        if (fd >= 0 && fd < FDS) by_fd[fd] = -1;
        return fd;
    }
    if (!existed && flags & O_CREAT) {
        step();
        if (control->write_error && meant(full)) return errno = (int)control->write_error, -1;
    }
    pthread_mutex_lock(&lock);
    struct file *file = existed && writing ? entry(full, 1) : NULL; /* before O_TRUNC empties it */
    int fd = (int)syscall(SYS_openat, at, path, flags, mode);
    if (fd >= 0 && fd < FDS) {
        if (!file) file = entry(full, existed);
        by_fd[fd] = file ? (int)(file - files) + 1 : 0;
        if (file) {
            snprintf(file->name, sizeof file->name, "%s", strrchr(full, '/') + 1);
            if (existed && flags & O_TRUNC && writing) {
                file->low = 0, file->high = WHOLE;
                if (control->room >= 0) control->room += before.st_size;
            }
        }
    }
    pthread_mutex_unlock(&lock);
    return fd;
}

#define MODE(flags)                                      \
    mode_t mode = 0;                                     \
    if ((flags) & O_CREAT || ((flags) & O_TMPFILE) == O_TMPFILE) { \
        va_list rest;                                    \
        va_start(rest, flags);                           \
        mode = va_arg(rest, mode_t);                     \
        va_end(rest);                                    \
    }
int open(const char *path, int flags, ...) { MODE(flags) return open_at(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE(flags) return open_at(AT_FDCWD, path, flags, mode); }
int openat(int at, const char *path, int flags, ...) { MODE(flags) return open_at(at, path, flags, mode); }
int openat64(int at, const char *path, int flags, ...) { MODE(flags) return open_at(at, path, flags, mode); }
int __open_2(const char *path, int flags) { return open_at(AT_FDCWD, path, flags, 0); }
int __open64_2(const char *path, int flags) { return open_at(AT_FDCWD, path, flags, 0); }

int close(int fd) {
    if (fd >= 0 && fd < FDS) by_fd[fd] = 0;
    return (int)syscall(SYS_close, fd);
}

static struct file *file_of(int fd) { return fd >= 0 && fd < FDS && by_fd[fd] > 0 ? &files[by_fd[fd] - 1] : NULL; }

/* Return whether a write of `length` bytes at the offset `at` may be done. If `at` is -1, set it to the file's offset.
 * `torn` is set if the process must be killed in the middle of this write. */
static int may_write(struct file *file, int fd, size_t length, int64_t *at, int *torn) {
    struct stat now;
    int64_t number = __atomic_add_fetch(&control->writes, 1, __ATOMIC_SEQ_CST);
    *torn = number == control->kill_at_write ||
            __atomic_add_fetch(&control->steps, 1, __ATOMIC_SEQ_CST) == control->kill_at_step;
    if (control->write_error && meant(file->name)) return errno = (int)control->write_error, 0;
    if (fstat(fd, &now)) return 0;
    if (*at < 0) *at = fcntl(fd, F_GETFL) & O_APPEND ? now.st_size : lseek(fd, 0, SEEK_CUR);
    int64_t grown = *at + (int64_t)length - now.st_size;
    pthread_mutex_lock(&lock);
    int full = control->room >= 0 && grown > control->room;
    if (!full && control->room >= 0 && grown > 0) control->room -= grown;
    if (!full && *at < file->low) file->low = *at;
    if (!full && *at + (int64_t)length > file->high) file->high = *at + (int64_t)length;
    pthread_mutex_unlock(&lock);
    return full ? (errno = ENOSPC, 0) : 1;
}

ssize_t write(int fd, const void *content, size_t length) {
    struct file *file = file_of(fd);
    int64_t at = -1;
    int torn = 0;
    if (file && !may_write(file, fd, length, &at, &torn)) return -1;
    ssize_t done = syscall(SYS_write, fd, content, torn ? length / 2 : length);
    if (torn) die();
    return done;
}

static ssize_t write_at(int fd, const void *content, size_t length, off64_t at) {
    struct file *file = file_of(fd);
    int64_t place = at;
    int torn = 0;
    if (file && !may_write(file, fd, length, &place, &torn)) return -1;
    ssize_t done = syscall(SYS_pwrite64, fd, content, torn ? length / 2 : length, at);
    if (torn) die();
    return done;
}
ssize_t pwrite(int fd, const void *content, size_t length, off_t at) { return write_at(fd, content, length, at); }
ssize_t pwrite64(int fd, const void *content, size_t length, off64_t at) { return write_at(fd, content, length, at); }

static int cut_or_grow(int fd, int64_t length, int only_grow) {
    struct file *file = file_of(fd);
    struct stat now;
    if (file && !fstat(fd, &now)) {
        step();
        if (control->write_error && meant(file->name)) return errno = (int)control->write_error, -1;
        if (control->room >= 0 && !(only_grow && length <= now.st_size)) {
            if (only_grow && length - now.st_size > control->room) return errno = ENOSPC, -1;
            if (only_grow || length < now.st_size) control->room -= length - now.st_size;
        }
        pthread_mutex_lock(&lock);
        file->low = 0, file->high = WHOLE;
        pthread_mutex_unlock(&lock);
    }
    return 0;
}
int ftruncate(int fd, off_t length) {
    return cut_or_grow(fd, length, 0) ? -1 : (int)syscall(SYS_ftruncate, fd, length);
}
int ftruncate64(int fd, off64_t length) { return ftruncate(fd, length); }
int posix_fallocate(int fd, off_t at, off_t length) { /* returns the error number, and does not set errno */
    if (cut_or_grow(fd, at + length, 1)) return errno;
    return syscall(SYS_fallocate, fd, 0, at, length) ? errno : 0;
}
int posix_fallocate64(int fd, off64_t at, off64_t length) { return posix_fallocate(fd, at, length); }
int fallocate(int fd, int mode, off_t at, off_t length) {
    return cut_or_grow(fd, at + length, 1) ? -1 : (int)syscall(SYS_fallocate, fd, mode, at, length);
}
int fallocate64(int fd, int mode, off64_t at, off64_t length) { return fallocate(fd, mode, at, length); }

ssize_t sendfile(int to, int from, off_t *at, size_t length) { /* used by shutil */
    if (file_of(to)) return errno = EINVAL, -1;                /* makes the caller use read and write */
    return syscall(SYS_sendfile, to, from, at, length);
}
ssize_t sendfile64(int to, int from, off64_t *at, size_t length) { return sendfile(to, from, at, length); }
ssize_t copy_file_range(int from, off64_t *a, int to, off64_t *b, size_t length, unsigned flags) {
    if (file_of(to)) return errno = EINVAL, -1;
    return syscall(SYS_copy_file_range, from, a, to, b, length, flags);
}

static int sync_one(int fd, long number) {
    struct file *file = file_of(fd);
    if (!file && !(fd >= 0 && fd < FDS && by_fd[fd])) return (int)syscall(number, fd);
    step();
    if (__atomic_add_fetch(&control->syncs, 1, __ATOMIC_SEQ_CST) == control->kill_at_sync) die();
    for (int64_t waited = 0, left; (left = control->sync_delay_ms - waited) > 0;) { /* a test may shorten the delay */
        struct timespec span = {0, (left < 10 ? left : 10) * 1000000};
        nanosleep(&span, NULL);
        waited += 10;
    }
    if (control->sync_error && (!file || meant(file->name))) return errno = (int)control->sync_error, -1;
    if (!shadows[0]) return (int)syscall(number, fd);
    pthread_mutex_lock(&lock);
    char path[64], full[PATH_MAX];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(path, full, sizeof full - 1);
    full[length < 0 ? 0 : length] = 0;
    if (!file)
        keep_names(full);
    else if (file->shadow >= 0 && file->low < file->high) {
        int from = fd;
        if ((fcntl(fd, F_GETFL) & O_ACCMODE) == O_WRONLY) { /* never closed, as a close would drop SQLite's locks */
            snprintf(path, sizeof path, "/proc/self/fd/%d", file->anchor);
            if (file->reader < 0) file->reader = plain_open(path, O_RDONLY, 0);
            from = file->reader;
        }
        copy(from, file->shadow, file->low, file->high);
        file->low = WHOLE, file->high = 0;
    }
    pthread_mutex_unlock(&lock);
    return 0;
}
int fsync(int fd) { return sync_one(fd, SYS_fsync); }
int fdatasync(int fd) { return sync_one(fd, SYS_fdatasync); }

/* Note that a name is about to be removed. The file may exist after a power cut, so its synced content is kept.
 * If `free_room`, the size of the file is added to the room. */
static void let_go(const char *full, int free_room) {
    struct stat now;
    step();
    pthread_mutex_lock(&lock);
    if (shadows[0]) entry(full, 1);
    if (free_room && control->room >= 0 && !lstat(full, &now) && S_ISREG(now.st_mode)) control->room += now.st_size;
    pthread_mutex_unlock(&lock);
}
static int unlink_at(int at, const char *path, int flags) {
    char full[PATH_MAX];
    if (ours(at, path, full)) let_go(full, 1);
    return (int)syscall(SYS_unlinkat, at, path, flags);
}
int unlink(const char *path) { return unlink_at(AT_FDCWD, path, 0); }
int unlinkat(int at, const char *path, int flags) { return unlink_at(at, path, flags); }
int remove(const char *path) { return unlink(path); }

static int rename_at(int at, const char *old, int there, const char *new, unsigned flags) {
    char full[PATH_MAX];
    if (ours(at, old, full)) let_go(full, 0);
    if (ours(there, new, full)) let_go(full, 1);
    return (int)syscall(SYS_renameat2, at, old, there, new, flags);
}
int rename(const char *old, const char *new) { return rename_at(AT_FDCWD, old, AT_FDCWD, new, 0); }
int renameat(int at, const char *old, int there, const char *new) { return rename_at(at, old, there, new, 0); }
int renameat2(int at, const char *old, int there, const char *new, unsigned flags) {
    return rename_at(at, old, there, new, flags);
}

static ssize_t read_at(int fd, void *into, size_t length, off64_t at) {
    struct file *file = file_of(fd);
    if (file && meant(file->name) && control->read_error) return errno = (int)control->read_error, -1;
    return syscall(SYS_pread64, fd, into, length, at);
}
ssize_t pread(int fd, void *into, size_t length, off_t at) { return read_at(fd, into, length, at); }
ssize_t pread64(int fd, void *into, size_t length, off64_t at) { return read_at(fd, into, length, at); }

static void say_room(struct statfs *from, struct statvfs *found) {
    *found = (struct statvfs){.f_bsize = from->f_bsize, .f_frsize = from->f_frsize ? from->f_frsize : from->f_bsize,
        .f_blocks = from->f_blocks, .f_bfree = from->f_bfree, .f_bavail = from->f_bavail, .f_files = from->f_files,
        .f_ffree = from->f_ffree, .f_favail = from->f_ffree, .f_namemax = from->f_namelen};
}
int statvfs(const char *path, struct statvfs *found) {
    struct statfs from;
    char full[PATH_MAX];
    if (syscall(SYS_statfs, path, &from)) return -1;
    say_room(&from, found);
    if (control->room >= 0 && ours(AT_FDCWD, path, full))
        found->f_bavail = found->f_bfree = (fsblkcnt_t)control->room / found->f_frsize;
    return 0;
}
int statvfs64(const char *path, struct statvfs64 *found) { return statvfs(path, (struct statvfs *)found); }
