/* Loaded before the C library (LD_PRELOAD): writes down, in their order, what a process does to the files of its
   database and what it sends to one port; and can make the database's Nth write or sync fail, or die there.

   Lines of the log: W a write to the write-ahead log, S a sync of it that has returned, O bytes to the port, N a note.
   Several processes may share one: a process that is started with FAULT_LOG writes to that file from the first on. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static int log_file = -1, port = 0;
static long countdown = -1, operations = 0;
static int failure = 0, sticky = 0;

__attribute__((visibility("default"))) void fault_watch(int file, int to_port) { log_file = file; port = to_port; }
__attribute__((constructor)) static void fault_log(void)
{
    const char *shared = getenv("FAULT_LOG");
    if (shared) log_file = open(shared, O_WRONLY | O_APPEND | O_CLOEXEC);
}
/* After `after` more operations on the database: `error` an errno, or -1 to die. `always`: also all that follow. */
__attribute__((visibility("default"))) void fault_at(long after, int error, int always)
{ countdown = after; failure = error; sticky = always; }
__attribute__((visibility("default"))) long fault_operations(void) { return operations; }

__attribute__((visibility("default"))) void fault_note(const char *line)
{
    if (log_file >= 0) syscall(SYS_write, log_file, line, strlen(line));
}

/* The file's name, from `gateway.db` on for one of SQLite, behind the folder for PostgreSQL's write-ahead log. */
static const char *database_file(int file)
{
    static __thread char name[4096];
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, name, sizeof name - 1);
    if (length <= 0) return NULL;
    name[length] = 0;
    const char *segment = strstr(name, "/pg_wal/");
    return segment ? segment + strlen("/pg_wal/") : strstr(name, "gateway.db");
}

static int ahead(const char *what)
{
    return !strcmp(what, "gateway.db-wal") || strspn(what, "0123456789ABCDEF") == 24;
}

/* Whether the operation is to fail; `errno` is set then. */
static int fails(void)
{
    __sync_fetch_and_add(&operations, 1);
    if (countdown < 0) return 0;
    if (countdown > 0) { countdown--; return 0; }
    if (failure < 0) kill(getpid(), SIGKILL);
    if (!sticky) countdown = -1;
    errno = failure;
    return 1;
}

static int to_port(int file)
{
    struct sockaddr_storage peer;
    socklen_t length = sizeof peer;
    if (!port || getpeername(file, (struct sockaddr *)&peer, &length) || peer.ss_family != AF_INET) return 0;
    return ntohs(((struct sockaddr_in *)&peer)->sin_port) == port;
}

#define NEXT(type, name, ...) static type (*next)(__VA_ARGS__); if (!next) next = dlsym(RTLD_NEXT, #name)

#define WRITE_AT(name, offset_type) \
    ssize_t name(int file, const void *data, size_t size, offset_type at) \
    { \
        NEXT(ssize_t, name, int, const void *, size_t, offset_type); \
        const char *what = database_file(file); \
        if (what && fails()) return -1; \
        ssize_t done = next(file, data, size, at); \
        if (what && ahead(what)) fault_note("W\n"); \
        return done; \
    }
WRITE_AT(pwrite, off_t)
WRITE_AT(pwrite64, off64_t)

#define SYNC(name) \
    int name(int file) \
    { \
        NEXT(int, name, int); \
        const char *what = database_file(file); \
        if (what && fails()) return -1; \
        int done = next(file); \
        if (!done && what && ahead(what)) fault_note("S\n"); \
        return done; \
    }
SYNC(fsync)
SYNC(fdatasync)

#define OUT(type, name, parameters, ...) \
    type name parameters \
    { \
        static type (*next) parameters; \
        if (!next) next = dlsym(RTLD_NEXT, #name); \
        if (to_port(file)) fault_note("O\n"); \
        return next(__VA_ARGS__); \
    }
OUT(ssize_t, send, (int file, const void *data, size_t size, int flags), file, data, size, flags)
OUT(ssize_t, sendmsg, (int file, const struct msghdr *message, int flags), file, message, flags)
OUT(ssize_t, write, (int file, const void *data, size_t size), file, data, size)
OUT(ssize_t, writev, (int file, const struct iovec *parts, int count), file, parts, count)
