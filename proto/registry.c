/* SPDX-License-Identifier: Apache-2.0 */
/* registry -- the channel's files in the run directory: who listens where, END, allowed keys.   proto */
#include "proto/registry.h"

#include "common/config.h"
#include "proto/control_frame.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define GIVER_TAIL  ".giver"
#define SOCKET_TAIL ".sock"

/* ---- directories ---- */

/* Made with mode 0700; one that is there must be ours alone: its files say where we connect and whom we let in. */
static int private_dir(const char *path, struct error *e)
{
    struct stat status;
    if (mkdir(path, 0700) && errno != EEXIST)
        return fail_as(e, EX_CANTCREAT, "cannot make directory '%s': %s", path, strerror(errno));
    if (lstat(path, &status))
        return fail_as(e, EX_CANTCREAT, "cannot use directory '%s': %s", path, strerror(errno));
    if (!S_ISDIR(status.st_mode) || status.st_uid != geteuid() || (status.st_mode & 077))
        return fail_as(e, EX_CONFIG, "refusing '%s': it must be a directory of yours that nobody else may enter", path);
    return 0;
}

static bool name_good(const char *name)
{
    size_t length = strlen(name);
    return length > 0 && length <= 64 && strcmp(name, "keys") != 0 &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == length;
}

int registry_open(struct registry *r, const char *run_dir, const char *name, struct error *e)
{
    *r = (struct registry){.fd = -1};
    if (!run_dir || !*run_dir)
        return fail_as(e, EX_USAGE, "no run directory: give --run DIR or set PETREL_RUN_DIR");
    if (!name || !name_good(name))
        return fail_as(e, EX_USAGE, "bad channel name '%s': use a-z, 0-9, '_' and '-', and not 'keys'",
                       name ? name : "");
    if (dir_make(run_dir, e))
        return -1;
    r->run = realpath(run_dir, NULL);
    if (!r->run)
        return fail_as(e, EX_NOINPUT, "cannot use run directory '%s': %s", run_dir, strerror(errno));
    r->channels = path_join(r->run, "channels");
    r->dir = path_join(r->channels, name);
    r->keys = path_join(r->channels, "keys");
    r->end = xprintf("%s.end", r->dir);
    if (private_dir(r->channels, e) || private_dir(r->dir, e) || private_dir(r->keys, e))
        goto bad;
    r->fd = open(r->channels, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (r->fd < 0) {
        fail_as(e, EX_NOINPUT, "cannot open '%s': %s", r->channels, strerror(errno));
        goto bad;
    }
    return 0;
bad:
    registry_close(r);
    return -1;
}

void registry_withdraw(struct registry *r)
{
    if (r->own)
        unlink(r->own);
    free(r->own);
    r->own = NULL;
}

void registry_close(struct registry *r)
{
    registry_withdraw(r);
    if (r->fd >= 0)
        close(r->fd);
    free(r->run);
    free(r->channels);
    free(r->dir);
    free(r->keys);
    free(r->end);
    *r = (struct registry){.fd = -1};
}

int registry_check(const struct registry *r, struct error *e)
{
    struct stat now, then;
    if (fstat(r->fd, &then) || stat(r->channels, &now) || now.st_ino != then.st_ino || now.st_dev != then.st_dev)
        return fail_as(e, EX_TEMPFAIL, "the run directory '%s' was removed or begun anew by another run", r->run);
    return run_check(r->run, e);
}

/* ---- givers ---- */

void registry_host(char host[65])
{
    if (gethostname(host, 65) || !*host)
        memcpy(host, "localhost", sizeof "localhost");
    host[64] = '\0';
}

static uint64_t random_number(void)
{
    uint64_t n = 0;
    if (getrandom(&n, sizeof n, 0) != (ssize_t)sizeof n)
        die(EX_OSERR, "cannot draw a random number: %s", strerror(errno));
    return n;
}

static bool process_dead(long pid)
{
    return pid > 0 && kill((pid_t)pid, 0) && errno == ESRCH;
}

/* Sockets and registrations that killed givers of this machine left. */
static void remove_dead(const struct registry *r)
{
    char host[65];
    struct names files;
    struct registered who;
    registry_host(host);
    if (registry_list(r, &files, NULL))
        return;
    for (size_t i = 0; i < files.count; i++) {
        if (registry_read(r, files.name[i], &who, NULL) || strcmp(who.host, host) != 0 || !process_dead(who.pid))
            continue;
        char *path = path_join(r->dir, files.name[i]);
        unlink(path);
        free(path);
    }
    names_free(&files);
}

/* Of its values, in the order they are written in: a taker that followed a flipped bit would wait for nobody. */
static uint64_t registered_sum(const struct registered *who)
{
    char *values = xprintf("%s\n%s\n%ld\n%s\n", who->endpoint, who->key, who->pid, who->host);
    uint64_t sum = bytes_xxh3(values, strlen(values));
    free(values);
    return sum;
}

int registry_publish(struct registry *r, struct registered *me, struct error *e)
{
    registry_host(me->host);
    me->pid = (long)getpid();
    format_into(me->file, sizeof me->file, "%s-%ld-%08x" GIVER_TAIL, me->host, me->pid,
                (unsigned)(random_number() >> 32));
    char *path = path_join(r->dir, me->file);
    /* the sum first: the line of another key cannot swallow it, should its end be damaged */
    char *text =
        xprintf("sum = %016" PRIx64 "\nversion = %d\nendpoint = %s\nkey = %s\npid = %ld\nhost = %s\n",
                registered_sum(me), CHANNEL_VERSION, me->endpoint, *me->key ? me->key : "none", me->pid, me->host);
    int result = publish_bytes(path, text, strlen(text), e);
    free(text);
    if (result) {
        free(path);
        return -1;
    }
    r->own = path;
    remove_dead(r); /* after our own file is there: takers never see the channel without us */
    return 0;
}

int registry_list(const struct registry *r, struct names *files, struct error *e)
{
    if (dir_list(r->dir, files, e))
        return -1;
    size_t kept = 0;
    for (size_t i = 0; i < files->count; i++) {
        if (ends_with(files->name[i], GIVER_TAIL)) /* others are still being written */
            files->name[kept++] = files->name[i];
        else
            free(files->name[i]);
    }
    files->count = kept;
    return 0;
}

static int text_set(char *to, size_t size, const char *key, const char *value, struct error *e)
{
    if (strlen(value) >= size)
        return fail(e, "'%s' is longer than %zu bytes", key, size - 1);
    memcpy(to, value, strlen(value) + 1);
    return 0;
}

struct reading {
    struct registered *who;
    char sum[17]; /* "": a program of somebody else's may leave it out */
};

static int registered_set(void *context, const char *key, const char *value, struct error *e)
{
    struct reading *to = context;
    struct registered *who = to->who;
    if (strcmp(key, "endpoint") == 0)
        return text_set(who->endpoint, sizeof who->endpoint, key, value, e);
    if (strcmp(key, "host") == 0)
        return text_set(who->host, sizeof who->host, key, value, e);
    if (strcmp(key, "key") == 0)
        return text_set(who->key, sizeof who->key, key, strcmp(value, "none") == 0 ? "" : value, e);
    if (strcmp(key, "sum") == 0)
        return text_set(to->sum, sizeof to->sum, key, value, e);
    if (strcmp(key, "pid") == 0)
        who->pid = strtol(value, NULL, 10);
    else if (strcmp(key, "version") != 0)
        return fail(e, "'%s' is no key of a giver", key);
    else if (strtol(value, NULL, 10) != CHANNEL_VERSION)
        return fail(e, "the giver speaks version %s of the channel, this program %d", value, CHANNEL_VERSION);
    return 0;
}

int registry_read(const struct registry *r, const char *file, struct registered *who, struct error *e)
{
    *who = (struct registered){0};
    if (text_set(who->file, sizeof who->file, "file", file, e))
        return -1;
    char *path = path_join(r->dir, file);
    struct reading to = {.who = who};
    char sum[17];
    int result = config_read(path, registered_set, &to, e);
    if (!result && !*who->endpoint)
        result = fail(e, "'%s' names no endpoint", path);
    format_into(sum, sizeof sum, "%016" PRIx64, registered_sum(who));
    if (!result && *to.sum && strcmp(to.sum, sum) != 0)
        result = fail(e, "'%s' is damaged: its sum differs", path);
    free(path);
    return result;
}

/* ---- end of stream ---- */

int registry_end(struct registry *r, struct error *e)
{
    char host[65];
    registry_host(host);
    char *text = xprintf("ended by %s, process %ld on %s\n", program_name(), (long)getpid(), host);
    int result = publish_bytes(r->end, text, strlen(text), e);
    free(text);
    return result;
}

void registry_begin_anew(struct registry *r)
{
    unlink(r->end); /* most often it is not there */
}

bool registry_ended(const struct registry *r)
{
    return file_exists(r->end);
}

/* ---- the allow-list ---- */

static bool hex_good(const char *hex)
{
    return strlen(hex) == KEY_HEX - 1 && strspn(hex, "0123456789abcdef") == KEY_HEX - 1;
}

int registry_allow(struct registry *r, const char *hex, struct error *e)
{
    char *path = path_join(r->keys, hex);
    int result = publish_bytes(path, "", 0, e);
    if (result)
        free(path);
    else
        r->own = path;
    return result;
}

bool registry_allows(const struct registry *r, const char *hex)
{
    if (!hex_good(hex))
        return false;
    char *path = path_join(r->keys, hex);
    bool allowed = file_exists(path);
    free(path);
    return allowed;
}

/* ---- sockets on one machine ---- */

/* Nobody listens behind it, and who made it is dead. */
static bool socket_dead(const char *path, const char *name)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof to.sun_path || !process_dead(strtol(name, NULL, 10)))
        return false;
    memcpy(to.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool dead = fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) && errno == ECONNREFUSED;
    if (fd >= 0)
        close(fd);
    return dead;
}

static void remove_dead_sockets(const char *dir)
{
    struct names files;
    if (dir_list(dir, &files, NULL))
        return;
    for (size_t i = 0; i < files.count; i++) {
        char *path = path_join(dir, files.name[i]);
        if (ends_with(path, SOCKET_TAIL) && socket_dead(path, files.name[i]))
            unlink(path);
        free(path);
    }
    names_free(&files);
}

int registry_socket_path(char path[ENDPOINT_MAX], struct error *e)
{
    enum { DIR_MAX = 64 }; /* leaves room for "/PID-HEX.sock" within a socket address */
    char dir[DIR_MAX];
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    if (runtime && runtime[0] == '/' && strlen(runtime) + sizeof "/petrel" <= DIR_MAX && dir_exists(runtime))
        format_into(dir, sizeof dir, "%s/petrel", runtime);
    else
        format_into(dir, sizeof dir, "/tmp/petrel-%u", (unsigned)geteuid());
    if (private_dir(dir, e))
        return -1;
    remove_dead_sockets(dir);
    format_into(path, ENDPOINT_MAX, "%s/%ld-%08x" SOCKET_TAIL, dir, (long)getpid(), (unsigned)(random_number() >> 32));
    return 0;
}
