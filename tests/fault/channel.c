/* SPDX-License-Identifier: Apache-2.0 */
/* channel -- R1 and R8: real processes killed (SIGKILL) and stopped (SIGSTOP) at random; every item arrives exactly once.
 *
 *     source -> turn x3 -> check x2 -> collect          channel [KILLS] [SEED] [tcp]
 *
 * Each round is a run of its own, of ITEMS items; rounds go on until KILLS kills were dealt (default 24). What is killed is
 * started again. Whom and when is drawn from SEED; what happens then is the machine's. */
#include "stages/stage.h"
#include "tests/fault/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ITEMS = 250, BYTES = 100000 /* more than what a taker copies */, RUN = 42 };
static const double SILENCE_S = 0.6, HANG_S = 120;

static char dir[64], *list; /* the run; what the collector published, a line an item */
static const char *transport = "ipc";

/* ---- the stages ---- */

static struct stage_options options(const char *in, const char *out)
{
    struct stage_options o;
    stage_defaults(&o);
    o.run = dir;
    o.in = in;
    o.out = out;
    o.transport = transport;
    o.silence_s = SILENCE_S;
    o.window = 10;
    return o;
}

/* Byte j of item i, after `turned` stages. */
static uint8_t byte_of(uint64_t i, size_t j, int turned)
{
    uint8_t b = (uint8_t)((i * 2654435761u + j * 40503u) >> 7);
    return turned ? (uint8_t)(b ^ 0x5a) : b;
}

static int be_source(void)
{
    struct stage st;
    struct stage_options o = options(NULL, "made");
    stage_open(&st, "source", &o, false, true);
    for (uint64_t i = 0; i < ITEMS; i++) {
        struct item_key key = {RUN, i};
        if (stage_arrived(&st, key))
            continue;
        struct buffer out = {.data = xalloc(BYTES, 1), .size = BYTES};
        for (size_t j = 0; j < BYTES; j++)
            out.data[j] = byte_of(i, j, 0);
        stage_give_new(&st, key, &out);
    }
    return stage_close(&st, "source");
}

static int be_turn(void)
{
    struct stage st;
    struct taken item;
    struct stage_options o = options("made", "turned");
    stage_open(&st, "turn", &o, true, true);
    while (stage_take(&st, &item)) {
        struct buffer out = {.data = xalloc(BYTES, 1), .size = BYTES};
        for (size_t j = 0; j < BYTES; j++)
            out.data[j] = item.bytes.data[j] ^ 0x5a;
        usleep(3000);
        stage_give(&st, &item, &out);
    }
    return stage_close(&st, "turn");
}

static int be_check(void)
{
    struct stage st;
    struct taken item;
    struct stage_options o = options("turned", "checked");
    stage_open(&st, "check", &o, true, true);
    while (stage_take(&st, &item)) {
        struct buffer out = item.bytes;
        item.bytes = (struct buffer){0};
        stage_give(&st, &item, &out);
    }
    return stage_close(&st, "check");
}

/* How often each item was published, and what is not as it should be. */
struct count {
    int seen[ITEMS], wrong;
};

static int list_read(struct count *c)
{
    struct buffer text = {0};
    int lines = 0;
    *c = (struct count){0};
    if (file_read(list, 1 << 24, &text, NULL))
        return 0;
    for (char *line = (char *)text.data, *end; (end = strchr(line, '\n')); line = end + 1, lines++) {
        unsigned long i = strtoul(line, NULL, 10);
        if (i < ITEMS && strncmp(end - 3, " ok", 3) == 0)
            c->seen[i]++;
        else
            c->wrong++;
    }
    buffer_free(&text);
    return lines;
}

static int be_collect(void)
{
    struct stage st;
    struct taken item;
    struct count c;
    struct stage_options o = options("checked", NULL);
    list_read(&c);
    int to = open(list, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    stage_open(&st, "collect", &o, true, false);
    while (stage_take(&st, &item)) {
        uint64_t i = item.key.index;
        bool good = item.key.run == RUN && i < ITEMS && item.bytes.size == BYTES;
        for (size_t j = 0; good && j < BYTES; j++)
            good = item.bytes.data[j] == byte_of(i, j, 1);
        if (!good || c.seen[i]++ == 0) { /* a repeat is dropped by its key */
            char line[40];
            int length = snprintf(line, sizeof line, "%llu %s\n", (unsigned long long)i, good ? "ok" : "wrong");
            if (write(to, line, (size_t)length) != length)
                die(EX_IOERR, "cannot write '%s'", list);
        }
        stage_done(&st, &item);
    }
    return stage_close(&st, "collect");
}

/* ---- the tormentor ---- */

struct victim {
    const char *name;
    int (*be)(void);
    pid_t pid;       /* 0: it has ended well */
    double resume_s; /* stopped until then; 0: running */
};

static void start(struct victim *v)
{
    v->resume_s = 0;
    v->pid = fault_fork();
    if (v->pid)
        return;
    char *log = xprintf("%s/%s.log", dir, v->name);
    if (!freopen(log, "a", stderr))
        _exit(99);
    free(log);
    program_name_set(v->name);
    exit(v->be());
}

/* Restart the killed; false: a stage left with a code. *running counts those that have not ended. */
static bool reap(struct victim *v, size_t count, size_t *running)
{
    int status;
    *running = 0;
    for (size_t i = 0; i < count; i++) {
        if (v[i].pid && waitpid(v[i].pid, &status, WNOHANG) == v[i].pid) {
            v[i].pid = 0;
            if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
                start(&v[i]);
            else if (!WIFEXITED(status) || WEXITSTATUS(status)) {
                fprintf(stderr, "%s ended with status %#x: see %s\n", v[i].name, (unsigned)status, dir);
                return false;
            }
        }
        *running += v[i].pid != 0;
    }
    return true;
}

static void resume(struct victim *v, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (v[i].pid && v[i].resume_s > 0 && now_s() > v[i].resume_s) {
            kill(v[i].pid, SIGCONT);
            v[i].resume_s = 0;
        }
}

struct tally {
    int kills, stops, rounds, lost, repeated, wrong;
};

static bool round_run(struct tally *t, int kills, struct rng *r)
{
    struct victim v[] = {{"source", be_source, 0, 0},  {"turn.1", be_turn, 0, 0},   {"turn.2", be_turn, 0, 0},
                         {"turn.3", be_turn, 0, 0},    {"check.1", be_check, 0, 0}, {"check.2", be_check, 0, 0},
                         {"collect", be_collect, 0, 0}};
    size_t running = COUNT_OF(v);
    double next_s = now_s() + 0.3, hang_s = now_s() + HANG_S;
    bool good = true;
    int lines = 0;
    for (size_t i = 0; i < COUNT_OF(v); i++)
        start(&v[i]);
    while (good && running) {
        struct count c;
        int now = list_read(&c);
        if (now != lines)
            hang_s = now_s() + HANG_S;
        lines = now;
        if (now_s() > hang_s) {
            fprintf(stderr, "nothing has moved for %g s: see %s\n", HANG_S, dir);
            good = false;
        }
        usleep(5000);
        good = reap(v, COUNT_OF(v), &running) && good;
        resume(v, COUNT_OF(v));
        struct victim *one = &v[rng_below(r, COUNT_OF(v))];
        if (now_s() < next_s || !one->pid || t->kills >= kills)
            continue;
        next_s = now_s() + rng_range(r, 0.02, 0.3);
        if (one->resume_s == 0 && rng_below(r, 5) == 0) {
            kill(one->pid, SIGSTOP);
            one->resume_s = now_s() + rng_range(r, 0.5, 3) * SILENCE_S;
            t->stops++;
        } else {
            kill(one->pid, SIGKILL);
            t->kills++;
        }
    }
    for (size_t i = 0; i < COUNT_OF(v); i++)
        if (v[i].pid) {
            kill(v[i].pid, SIGKILL);
            waitpid(v[i].pid, NULL, 0);
        }
    return good;
}

int main(int argc, char **argv)
{
    int kills = argc > 1 ? atoi(argv[1]) : 24;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    struct tally t = {0};
    bool good = true;
    if (argc > 3)
        transport = argv[3];
    /* the stages of a pipeline: started by hand they would wait a while before they believe an end that lies there, and a last one that is killed
     * all the time would never live so long */
    char host[65] = "";
    gethostname(host, sizeof host - 1);
    char *parent = xprintf("%d@%s", (int)getpid(), host);
    if (setenv("PETREL_PARENT", parent, 1))
        die(EX_OSERR, "no environment: %s", strerror(errno));
    free(parent);
    while (good && (t.kills < kills || !t.rounds)) {
        struct rng r = rng_make(seed, RNG_TEST, (uint64_t)t.rounds);
        struct count c;
        snprintf(dir, sizeof dir, "/tmp/petrel-fault-XXXXXX");
        if (!mkdtemp(dir))
            die(EX_OSERR, "cannot make a directory: %s", strerror(errno));
        list = xprintf("%s/list", dir);
        good = round_run(&t, kills, &r);
        list_read(&c);
        for (int i = 0; i < ITEMS; i++) {
            t.lost += c.seen[i] == 0;
            t.repeated += c.seen[i] > 1;
        }
        t.wrong += c.wrong;
        t.rounds++;
        good = good && !t.lost && !t.repeated && !t.wrong;
        if (good)
            dir_remove(dir);
        free(list);
    }
    printf("%d kills, %d stops in %d runs of %d items over %s\n", t.kills, t.stops, t.rounds, ITEMS, transport);
    struct fault_result stopped = {"R8", "stages stopped for 0.3 to 1.8 s", "stops", (uint64_t)t.stops, 0, 0, 0},
                        killed = {"R1",
                                  "stages of a channel killed",
                                  "kills",
                                  (uint64_t)t.kills,
                                  (uint64_t)t.lost,
                                  (uint64_t)t.repeated,
                                  (uint64_t)t.wrong};
    (void)fault_tell(&stopped);
    return fault_tell(&killed) || !good;
}
