/* SPDX-License-Identifier: Apache-2.0 */
/* strangers -- R9: a tcp channel under attack while items go through it. Peers without CURVE, peers whose key nobody allowed, bytes that are no
 * ZMTP at all or stop in its middle, thousands of connections; and a peer whose key is allowed, that acknowledges what it never had,
 * repeats what others said, and says everything wrongly. None is answered that must not be, every item arrives exactly once, and
 * nobody dies.
 *
 *     strangers [FRAMES] [SEED]      so many frames and connections in all (4000, some seconds); at most 10,000 connections at once */
#include "proto/control_frame.h"
#include "proto/curve_keys.h"
#include "tests/fault/ends.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <zmq.h>

enum { AT_ONCE = 10000, FRAME_ROOM = 1024 };
static struct rng rng;

/* ---- those who attack ---- */

static struct registered giver;
static void giver_find(void)
{
    struct registry r;
    struct names at;
    struct error e = {0};
    if (registry_open(&r, ends.dir, "made", &e))
        die_of(&e);
    for (int tries = 0; tries < 600; tries++) {
        if (registry_list(&r, &at, &e) == 0 && at.count && registry_read(&r, at.name[0], &giver, &e) == 0)
            break;
        usleep(50000);
    }
    if (!*giver.endpoint)
        die(EX_SOFTWARE, "no giver came up");
    names_free(&at);
    registry_close(&r);
}

static const char *address(void)
{
    static char at[64];
    format_into(at, sizeof at, "tcp://127.0.0.1%s", strrchr(giver.endpoint, ':'));
    return at;
}

static void *peer_open(void *context, const struct curve_keys *k)
{
    int const linger = 0, wait_ms = 0;
    void *s = zmq_socket(context, ZMQ_DEALER);
    zmq_setsockopt(s, ZMQ_LINGER, &linger, sizeof linger);
    zmq_setsockopt(s, ZMQ_RCVTIMEO, &wait_ms, sizeof wait_ms);
    if ((k && curve_keys_connect(s, k, giver.key)) || zmq_connect(s, address()))
        die(EX_SOFTWARE, "a stranger cannot connect: %s", zmq_strerror(zmq_errno()));
    return s;
}

/* Any frame there is, right or nearly so. */
static size_t frame_make(uint8_t frame[FRAME_ROOM], uint64_t session)
{
    static const enum frame_kind kinds[] = {FRAME_HELLO, FRAME_READY, FRAME_ACK,   FRAME_BYE,
                                            FRAME_ITEM,  FRAME_HERE,  FRAME_AGAIN, FRAME_END};
    struct control_frame const c = {.kind = kinds[rng_below(&rng, COUNT_OF(kinds))],
                                    .session = session,
                                    .limit = 0, /* it asks for nothing, so nothing may be sent to it */
                                    .key = {ENDS_RUN, rng_below(&rng, 100000)},
                                    .check = rng_below(&rng, 1u << 30)};
    size_t size = control_frame_write(&c, frame);
    switch (rng_below(&rng, 4)) {
    case 0: frame[rng_below(&rng, (uint32_t)size)] ^= (uint8_t)(1u << rng_below(&rng, 8)); break;
    case 1: size = rng_below(&rng, (uint32_t)size); break;
    case 2:
        for (size = 1 + rng_below(&rng, 200); size < 200 && rng_below(&rng, 9); size++)
            frame[size] = (uint8_t)rng_below(&rng, 256);
        break;
    default: break;
    }
    return size;
}

/* From a process of its own, since ZeroMQ may end one that is treated so: how many answers strangers had. */
static uint64_t strangers_talk(bool curve, uint64_t frames)
{
    int pipes[2];
    uint64_t answers = 0;
    if (pipe(pipes))
        die(EX_OSERR, "no pipe");
    pid_t const pid = fault_fork();
    if (pid == 0) {
        void *context = zmq_ctx_new();
        struct curve_keys k;
        struct error e = {0};
        uint8_t frame[FRAME_ROOM];
        void *peer[8];
        for (size_t i = 0; i < COUNT_OF(peer); i++) {
            if (curve && curve_keys_make(&k, &e))
                die_of(&e);
            peer[i] = peer_open(context, curve ? &k : NULL);
        }
        double const until_s = now_s() + 2;
        for (uint64_t n = 0; n < frames || now_s() < until_s; n++) {
            void *one = peer[n % COUNT_OF(peer)];
            (void)zmq_send(one, frame, frame_make(frame, 1), ZMQ_DONTWAIT);
            while (zmq_recv(one, frame, sizeof frame, ZMQ_DONTWAIT) >= 0)
                answers++;
            if (n >= frames)
                usleep(1000);
        }
        _exit(write(pipes[1], &answers, sizeof answers) == sizeof answers ? 0 : 1);
    }
    close(pipes[1]);
    if (read(pipes[0], &answers, sizeof answers) != sizeof answers)
        answers = 0; /* it was ended: it had none, or had told */
    close(pipes[0]);
    waitpid(pid, NULL, 0);
    return answers;
}

static int tcp_connect(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)atoi(strrchr(giver.endpoint, ':') + 1)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval const wait = {.tv_usec = 200000};
    if (fd >= 0 && (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait) ||
                    connect(fd, (struct sockaddr *)&to, sizeof to))) {
        close(fd);
        fd = -1;
    }
    return fd;
}

/* A greeting of ZMTP 3.1 that names a mechanism and ends there, 64 bytes. */
static void greeting_make(uint8_t greeting[64], const char *mechanism)
{
    static const uint8_t head[12] = {0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 0};
    memset(greeting, 0, 64);
    memcpy(greeting, head, sizeof head);
    memcpy(greeting + sizeof head, mechanism, strlen(mechanism));
}

/* Connections that say bytes that are no ZMTP, or a greeting of each mechanism and then none of it, and are closed. */
static void garbage(uint64_t connections)
{
    static const char *const mechanisms[] = {"CURVE", "NULL", "PLAIN"};
    for (uint64_t n = 0; n < connections; n++) {
        uint8_t bytes[400] = {0};
        size_t size = 64 + rng_below(&rng, 300);
        int const fd = tcp_connect();
        if (fd < 0)
            continue;
        for (size_t i = 0; i < size; i++)
            bytes[i] = (uint8_t)rng_below(&rng, 256);
        if (rng_below(&rng, 2))
            greeting_make(bytes, mechanisms[rng_below(&rng, COUNT_OF(mechanisms))]);
        (void)!send(fd, bytes, rng_below(&rng, 5) ? size : size % 64, MSG_NOSIGNAL | MSG_DONTWAIT);
        close(fd);
    }
}

/* Sockets the giver holds. */
static uint64_t giver_sockets(void)
{
    char path[64], what[64];
    struct names open_ones;
    struct error e = {0};
    uint64_t count = 0;
    format_into(path, sizeof path, "/proc/%ld/fd", (long)ends.source);
    if (dir_list(path, &open_ones, &e))
        die_of(&e);
    for (size_t i = 0; i < open_ones.count; i++) {
        char *one = path_join(path, open_ones.name[i]);
        ssize_t const length = readlink(one, what, sizeof what);
        count += length > 7 && memcmp(what, "socket:", 7) == 0;
        free(one);
    }
    names_free(&open_ones);
    return count;
}

/* So many connections at once, each with a greeting that is right and not gone on with, which ZeroMQ bears for half a minute. How many the
 * giver itself held, by its own descriptors. */
static uint64_t crowd(uint64_t connections)
{
    enum { TRIES = 50 };
    int *fd = xalloc(connections + 1, sizeof *fd);
    uint8_t greeting[64];
    usleep(500000); /* those who attacked before are gone */
    uint64_t const before = giver_sockets();
    greeting_make(greeting, "CURVE");
    for (uint64_t n = 0; n < connections; n++) {
        fd[n] = -1;
        for (int tries = 0; fd[n] < 0 && tries < TRIES; tries++)
            fd[n] = tcp_connect();
        if (fd[n] >= 0)
            (void)!send(fd[n], greeting, 1 + rng_below(&rng, 64), MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    double const until_s = now_s() + 5; /* the last of them are taken in */
    uint64_t held = 0;
    while (held < connections && now_s() < until_s) {
        uint64_t const now = giver_sockets();
        held = now - before > held && now > before ? now - before : held;
        usleep(50000);
    }
    for (uint64_t n = 0; n < connections; n++)
        if (fd[n] >= 0)
            close(fd[n]);
    free(fd);
    return held;
}

/* A key that is allowed: it says HELLO and asks for nothing, acknowledges items it never had, repeats its own frames, and babbles. Items are
 * what it must not get: how many it was sent. */
static uint64_t insider(uint64_t frames)
{
    int pipes[2];
    uint64_t items = 0;
    if (pipe(pipes))
        die(EX_OSERR, "no pipe");
    pid_t const pid = fault_fork();
    if (pid == 0) {
        void *context = zmq_ctx_new();
        struct curve_keys k;
        struct registry r;
        struct error e = {0};
        struct control_frame c;
        uint8_t frame[FRAME_ROOM], before[CONTROL_FRAME_MAX];
        size_t before_size = 0, heard = 0;
        if (curve_keys_make(&k, &e) || registry_open(&r, ends.dir, "made", &e) || registry_allow(&r, k.hex, &e))
            die_of(&e);
        void *one = peer_open(context, &k);
        size_t size = control_frame_write(&(struct control_frame){.kind = FRAME_HELLO, .session = 1}, frame);
        (void)zmq_send(one, frame, size, 0);
        for (uint64_t n = 0; n < frames || (heard == 0 && n < frames + 5000); n++) {
            if (rng_below(&rng, 2)) { /* of what is on its way just now */
                c = (struct control_frame){.kind = FRAME_ACK,
                                           .session = 1 + rng_below(&rng, 3),
                                           .key = {ENDS_RUN, rng_below(&rng, 60000)},
                                           .check = rng_below(&rng, 1u << 30)};
                before_size = size = control_frame_write(&c, before);
                memcpy(frame, before, size);
            } else if (before_size && rng_below(&rng, 2)) {
                memcpy(frame, before, size = before_size);
            } else {
                size = frame_make(frame, 1 + rng_below(&rng, 3));
            }
            if (zmq_send(one, frame, size, ZMQ_DONTWAIT) < 0)
                usleep(500);
            for (int got; (got = zmq_recv(one, frame, sizeof frame, ZMQ_DONTWAIT)) >= 0;) {
                heard++;
                items += control_frame_read(&c, frame, (size_t)got) && c.kind == FRAME_ITEM;
            }
            if (n >= frames)
                usleep(1000);
        }
        if (!heard)
            die(EX_SOFTWARE, "the insider was never let in: its attack was none");
        registry_close(&r);
        _exit(write(pipes[1], &items, sizeof items) == sizeof items ? 0 : 1);
    }
    close(pipes[1]);
    int status = 0;
    bool const told = read(pipes[0], &items, sizeof items) == sizeof items;
    close(pipes[0]);
    waitpid(pid, &status, 0);
    if (!told)
        die(EX_SOFTWARE, "the insider ended with status %#x", (unsigned)status);
    return items;
}

int main(int argc, char **argv)
{
    uint64_t const frames = argc > 1 ? strtoull(argv[1], NULL, 10) : 4000;
    rng = rng_make(argc > 2 ? strtoull(argv[2], NULL, 10) : 1, RNG_TEST, 9);
    struct rlimit files;
    program_name_set("strangers");
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    ends_open("strangers", 3); /* silent for longer: a machine that is kept busy */
    ends.source = ends_start(ends_be_source, "source", NULL);
    ends.collector = ends_start(ends_be_collector, "collector", NULL);
    giver_find();

    uint64_t accepted = 0, sent = 0, share = frames / 4;
    accepted += strangers_talk(false, share);
    accepted += strangers_talk(true, share);
    uint64_t const items = insider(share);
    sent += 3 * share;
    uint64_t at_once = share < AT_ONCE ? share : AT_ONCE;
    if (at_once > files.rlim_cur - 100)
        at_once = files.rlim_cur - 100;
    uint64_t const held = crowd(at_once);
    garbage(share - at_once);
    sent += share;

    struct ends_count const c = ends_finish(120);
    printf("%llu frames and connections, of which the giver held %llu at once; strangers had %llu answers, the insider "
           "%llu items; "
           "%llu items "
           "went through, %llu ends died\n",
           (unsigned long long)sent, (unsigned long long)held, (unsigned long long)accepted, (unsigned long long)items,
           (unsigned long long)c.made, (unsigned long long)c.died);
    return fault_tell(&(struct fault_result){"R9", "strangers on tcp: accepted or killed", "frames", sent, c.lost,
                                             c.repeated, accepted + items + c.died + c.wrong});
}
