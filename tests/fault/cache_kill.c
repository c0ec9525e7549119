/* SPDX-License-Identifier: Apache-2.0 */
/* cache_kill -- R3: a cache writer killed (SIGKILL) at random; what is published always opens and verifies, nothing
 * that was said to be kept is lost, and going on ends in the very bytes of an undisturbed cache.
 *
 *     cache_kill [KILLS] [SEED]      default 60 kills, a few seconds */
#include "tests/fault/fault.h"
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SCANS = 12, RUN = 7, REFUSED = 5 /* this one is refused */ };

static char dir[300], undisturbed[300];
static uint64_t seed = 1;

static void check(bool good, const char *what)
{
    if (!good)
        die(EX_SOFTWARE, "%s", what);
}

static void dir_clear(const char *path)
{
    char *command = xprintf("rm -rf '%s'", path);
    check(system(command) == 0, "cannot clear the test's directory");
    free(command);
}

static void scan_make(struct regions_message *m, uint64_t n)
{
    struct rng rng = rng_make(seed, RNG_TEST, n);
    *m = (struct regions_message){.count = n % 7, .channels = 1};
    scan_facts_init(&m->facts);
    format_into(m->facts.patient, sizeof m->facts.patient, "p%llu", (unsigned long long)n / 2);
    format_into(m->facts.study, sizeof m->facts.study, "study%llu", (unsigned long long)n);
    grid_set(&m->grid, (const int64_t[3]){8, 8, 8}, (const double[3]){3, 2, 2}, (const double[3]){0, 0, 0});
    m->turned = (struct turn){{0, 1, 2}, {0, 0, 0}};
    m->region = xalloc(m->count + 1, sizeof *m->region);
    m->box = xalloc(m->count * BOX_VOXELS + 1, sizeof(float));
    for (size_t i = 0; i < m->count * BOX_VOXELS; i++)
        m->box[i] = rng_uniform(&rng);
    for (size_t i = 0; i < m->count; i++)
        m->region[i].label = (int32_t)(i % 2);
    uint32_t label[512] = {0, 1};
    labels_encode(label, 512, &m->label_runs);
}

/* Adds what is missing, in an order of its own, and says so of each through `said`. */
static void collect(const char *to, uint64_t order_seed, int said)
{
    struct cache c;
    struct error e = {0};
    uint32_t order[SCANS];
    struct rng rng = rng_make(seed, RNG_TEST, 1000 + order_seed);
    for (uint32_t n = 0; n < SCANS; n++)
        order[n] = n;
    rng_shuffle(&rng, order, SCANS);
    if (cache_writer_open(&c, to, &e))
        die_of(&e);
    for (size_t i = 0; i < SCANS; i++) {
        struct item_key key = {RUN, order[i]};
        struct regions_message m;
        if (order[i] == REFUSED) {
            if (cache_refuse(&c, key, &(struct refusal_message){"scan 5", "suv", EX_DATAERR, "it has no weight"}, &e))
                die_of(&e);
        } else if (!cache_has(&c, key)) {
            scan_make(&m, order[i]);
            if (cache_add(&c, key, &m, &e))
                die_of(&e);
            regions_message_free(&m);
        }
        uint8_t number = (uint8_t)order[i];
        check(said < 0 || write(said, &number, 1) == 1, "cannot tell the parent");
    }
    cache_close(&c);
}

/* A writer in a process of its own, killed after `delay_us`. true: it was done before that. */
static bool collect_killed(uint64_t round, useconds_t delay_us, bool kept[SCANS])
{
    int said[2];
    check(pipe2(said, O_CLOEXEC) == 0, "no pipe");
    pid_t child = fault_fork();
    if (child == 0) {
        collect(dir, round, said[1]);
        _exit(0);
    }
    close(said[1]);
    usleep(delay_us);
    kill(child, SIGKILL);
    int status;
    waitpid(child, &status, 0);
    check(WIFSIGNALED(status) || WEXITSTATUS(status) == 0, "the writer failed by itself");
    for (uint8_t number; read(said[0], &number, 1) == 1;)
        kept[number] = true;
    close(said[0]);
    return !WIFSIGNALED(status);
}

/* Every shard verifies, and whatever the writer said it kept is there. Returns shards seen. */
static size_t published_check(const bool kept[SCANS])
{
    struct cache c;
    struct error e = {0};
    size_t shards = 0, said = 0;
    for (size_t n = 0; n < SCANS; n++)
        said += kept[n];
    if (cache_open(&c, dir, &e)) {
        if (said || e.code != EX_NOINPUT) /* killed before there was a manifest */
            die_of(&e);
        return 0;
    }
    for (; shards < c.shard_count; shards++)
        if (cache_verify_shard(&c, shards, &e))
            die_of(&e);
    for (uint64_t n = 0; n < SCANS; n++)
        check(!kept[n] || (n == REFUSED ? c.refused_count == 1 : cache_has(&c, (struct item_key){RUN, n})),
              "a kept scan is lost");
    cache_close(&c);
    return shards;
}

static void directories_compare(void)
{
    struct cache a, b;
    struct error e = {0};
    struct names left;
    if (cache_open(&a, undisturbed, &e) || cache_open(&b, dir, &e) || dir_list(dir, &left, &e))
        die_of(&e);
    check(strcmp(a.digest, b.digest) == 0 && b.shard_count == SCANS - 1 && b.refused_count == 1,
          "a resumed cache differs");
    check(left.count == SCANS - 1 + 3, "something is left beside the shards, the manifest, its seal and the lock");
    names_free(&left);
    cache_close(&a);
    cache_close(&b);
}

int main(int argc, char **argv)
{
    uint64_t wanted = argc > 1 ? strtoull(argv[1], NULL, 10) : 60, kills = 0, rounds = 0, done = 0, verified = 0;
    seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    program_name_set("cache_kill");
    const char *tmp = getenv("TMPDIR");
    format_into(dir, sizeof dir, "%s/petrel-kill-%d", tmp ? tmp : "/tmp", (int)getpid());
    format_into(undisturbed, sizeof undisturbed, "%s/petrel-kill-%d-calm", tmp ? tmp : "/tmp", (int)getpid());
    dir_clear(dir);
    double begun_s = now_s();
    collect(undisturbed, 0, -1);
    double whole_us = 1e6 * (now_s() - begun_s);
    struct rng rng = rng_make(seed, RNG_TEST, 999);
    while (kills < wanted) { /* a cache is filled through several deaths, then compared and thrown away */
        bool kept[SCANS] = {false}, finished = false;
        dir_clear(dir);
        while (!finished) {
            finished = collect_killed(rounds++, (useconds_t)rng_range(&rng, 0, 0.6 * whole_us), kept);
            kills += !finished;
            verified += published_check(kept);
            if (kills >= wanted && !finished) {
                collect(dir, rounds++, -1);
                finished = true;
            }
        }
        directories_compare();
        done++;
    }
    dir_clear(dir);
    dir_clear(undisturbed);
    printf("%llu writers killed, %llu shards verified after it, %llu caches ended bit-equal\n",
           (unsigned long long)kills, (unsigned long long)verified, (unsigned long long)done);
    return fault_tell(&(struct fault_result){"R3", "a cache's writer killed: unreadable", "kills", kills, 0, 0, 0});
}
